-- CreateTable
CREATE TABLE "TracedEntry" (
    "trace" TEXT NOT NULL,
    "sessionId" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "atMs" BIGINT NOT NULL,

    CONSTRAINT "TracedEntry_pkey" PRIMARY KEY ("trace","sessionId","seq")
);
