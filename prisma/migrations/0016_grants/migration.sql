-- CreateTable
CREATE TABLE "Grant" (
    "id" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "policy" TEXT NOT NULL,
    "rule" TEXT NOT NULL,
    "ruleText" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "display" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "seconds" INTEGER NOT NULL,
    "quorum" JSONB NOT NULL,
    "reviewers" TEXT[],
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "grantedAt" TIMESTAMPTZ(3),
    "untilAt" TIMESTAMPTZ(3),
    "endedAt" TIMESTAMPTZ(3),
    "endedBy" TEXT,

    CONSTRAINT "Grant_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "GrantVerdict" (
    "id" TEXT NOT NULL,
    "grantId" TEXT NOT NULL,
    "personId" TEXT NOT NULL,
    "personKey" TEXT NOT NULL,
    "personName" TEXT NOT NULL,
    "groups" TEXT[],
    "verdict" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "GrantVerdict_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Grant_state_untilAt_idx" ON "Grant"("state", "untilAt");

-- CreateIndex
CREATE INDEX "Grant_createdAt_id_idx" ON "Grant"("createdAt", "id");

-- CreateIndex
CREATE INDEX "Grant_issuer_subject_state_idx" ON "Grant"("issuer", "subject", "state");

-- CreateIndex
CREATE UNIQUE INDEX "GrantVerdict_grantId_personId_key" ON "GrantVerdict"("grantId", "personId");

-- AddForeignKey
ALTER TABLE "GrantVerdict" ADD CONSTRAINT "GrantVerdict_grantId_fkey" FOREIGN KEY ("grantId") REFERENCES "Grant"("id") ON DELETE CASCADE ON UPDATE CASCADE;
