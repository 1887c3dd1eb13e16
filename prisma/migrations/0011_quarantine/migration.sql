-- CreateTable
CREATE TABLE "Quarantine" (
    "target" TEXT NOT NULL,
    "agentId" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "tools" JSONB NOT NULL,
    "more" INTEGER NOT NULL,

    CONSTRAINT "Quarantine_pkey" PRIMARY KEY ("target","agentId")
);
