-- AlterTable
ALTER TABLE "RecordedEntry" ADD COLUMN     "durationUs" BIGINT,
ADD COLUMN     "lane" TEXT,
ADD COLUMN     "monoUs" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "object" TEXT,
ADD COLUMN     "rows" INTEGER,
ADD COLUMN     "statement" INTEGER,
ADD COLUMN     "verb" TEXT;

-- AlterTable
ALTER TABLE "RecordedSession" ADD COLUMN     "held" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "killAskedAt" TIMESTAMPTZ(3),
ADD COLUMN     "killReason" TEXT,
ADD COLUMN     "objects" TEXT[] DEFAULT ARRAY[]::TEXT[],
ADD COLUMN     "verbs" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- CreateTable
CREATE TABLE "HoldRequest" (
    "id" TEXT NOT NULL,
    "openKey" TEXT,
    "state" TEXT NOT NULL,
    "agentId" TEXT NOT NULL,
    "agentName" TEXT NOT NULL,
    "sessionId" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "initiatorKey" TEXT NOT NULL,
    "initiatorName" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "verbs" TEXT[],
    "objects" TEXT[],
    "policy" TEXT NOT NULL,
    "policyVersion" INTEGER NOT NULL,
    "rule" TEXT NOT NULL,
    "reasonMode" TEXT NOT NULL,
    "quorum" JSONB NOT NULL,
    "reviewers" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "facts" JSONB NOT NULL DEFAULT '{}',
    "statementDigest" TEXT NOT NULL,
    "evidenceDigest" TEXT NOT NULL,
    "approvalDigest" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "decidedAt" TIMESTAMPTZ(3),
    "settledAt" TIMESTAMPTZ(3),
    "endedAt" TIMESTAMPTZ(3),
    "claimedBy" TEXT,
    "claimedAt" TIMESTAMPTZ(3),
    "result" JSONB,
    "evidence" BYTEA,
    "evidenceKey" BYTEA,
    "shreddedAt" TIMESTAMPTZ(3),

    CONSTRAINT "HoldRequest_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "HoldVerdict" (
    "id" TEXT NOT NULL,
    "requestId" TEXT NOT NULL,
    "personId" TEXT NOT NULL,
    "personKey" TEXT NOT NULL,
    "personName" TEXT NOT NULL,
    "groups" TEXT[],
    "verdict" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "approvalDigest" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "HoldVerdict_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "HoldCall" (
    "id" TEXT NOT NULL,
    "requestId" TEXT NOT NULL,
    "agentId" TEXT NOT NULL,
    "link" TEXT NOT NULL DEFAULT '',
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "HoldCall_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "OutboxEvent" (
    "id" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "dispatchedAt" TIMESTAMPTZ(3),

    CONSTRAINT "OutboxEvent_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Webhook" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "url" BYTEA NOT NULL,
    "shownUrl" TEXT NOT NULL,
    "format" TEXT NOT NULL,
    "events" TEXT[],
    "secret" BYTEA,
    "oldSecret" BYTEA,
    "oldSecretUntil" TIMESTAMPTZ(3),
    "disabledAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" TEXT NOT NULL,

    CONSTRAINT "Webhook_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "WebhookDelivery" (
    "id" TEXT NOT NULL,
    "webhookId" TEXT NOT NULL,
    "eventId" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "nextAt" TIMESTAMPTZ(3),
    "deliveredAt" TIMESTAMPTZ(3),
    "lastStatus" INTEGER,
    "lastError" TEXT,

    CONSTRAINT "WebhookDelivery_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "HoldRequest_openKey_key" ON "HoldRequest"("openKey");

-- CreateIndex
CREATE INDEX "HoldRequest_state_createdAt_id_idx" ON "HoldRequest"("state", "createdAt", "id");

-- CreateIndex
CREATE INDEX "HoldRequest_initiatorKey_createdAt_idx" ON "HoldRequest"("initiatorKey", "createdAt");

-- CreateIndex
CREATE INDEX "HoldRequest_fingerprint_initiatorKey_createdAt_idx" ON "HoldRequest"("fingerprint", "initiatorKey", "createdAt");

-- CreateIndex
CREATE INDEX "HoldRequest_settledAt_id_idx" ON "HoldRequest"("settledAt", "id");

-- CreateIndex
CREATE INDEX "HoldRequest_shreddedAt_endedAt_idx" ON "HoldRequest"("shreddedAt", "endedAt");

-- CreateIndex
CREATE INDEX "RecordedSession_agentId_killAskedAt_idx" ON "RecordedSession"("agentId", "killAskedAt");

-- CreateIndex
CREATE UNIQUE INDEX "HoldVerdict_requestId_personId_key" ON "HoldVerdict"("requestId", "personId");

-- CreateIndex
CREATE INDEX "HoldCall_requestId_idx" ON "HoldCall"("requestId");

-- CreateIndex
CREATE INDEX "HoldCall_agentId_idx" ON "HoldCall"("agentId");

-- CreateIndex
CREATE INDEX "OutboxEvent_dispatchedAt_createdAt_idx" ON "OutboxEvent"("dispatchedAt", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "Webhook_name_key" ON "Webhook"("name");

-- CreateIndex
CREATE INDEX "WebhookDelivery_state_nextAt_idx" ON "WebhookDelivery"("state", "nextAt");

-- CreateIndex
CREATE INDEX "WebhookDelivery_webhookId_createdAt_idx" ON "WebhookDelivery"("webhookId", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "WebhookDelivery_webhookId_eventId_key" ON "WebhookDelivery"("webhookId", "eventId");

-- AddForeignKey
ALTER TABLE "HoldVerdict" ADD CONSTRAINT "HoldVerdict_requestId_fkey" FOREIGN KEY ("requestId") REFERENCES "HoldRequest"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WebhookDelivery" ADD CONSTRAINT "WebhookDelivery_webhookId_fkey" FOREIGN KEY ("webhookId") REFERENCES "Webhook"("id") ON DELETE CASCADE ON UPDATE CASCADE;
