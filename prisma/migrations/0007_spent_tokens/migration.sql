-- CreateTable
CREATE TABLE "SpentToken" (
    "jti" TEXT NOT NULL,
    "agentId" TEXT NOT NULL,
    "spentAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "SpentToken_pkey" PRIMARY KEY ("jti")
);

-- CreateIndex
CREATE INDEX "SpentToken_expiresAt_idx" ON "SpentToken"("expiresAt");
