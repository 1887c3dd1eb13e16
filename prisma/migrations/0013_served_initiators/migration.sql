-- CreateTable
CREATE TABLE "ServedInitiator" (
    "sessionId" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "assurance" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "statements" INTEGER NOT NULL,

    CONSTRAINT "ServedInitiator_pkey" PRIMARY KEY ("sessionId","key","assurance")
);
