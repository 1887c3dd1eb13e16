-- CreateTable
CREATE TABLE "Scan" (
    "id" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "agentId" TEXT NOT NULL,
    "rows" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "askedAt" TIMESTAMPTZ(3) NOT NULL,
    "askedBy" TEXT NOT NULL,
    "doneAt" TIMESTAMPTZ(3),
    "report" JSONB,
    "errorCode" TEXT,
    "errorMessage" TEXT,

    CONSTRAINT "Scan_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Scan_agentId_state_askedAt_idx" ON "Scan"("agentId", "state", "askedAt");
