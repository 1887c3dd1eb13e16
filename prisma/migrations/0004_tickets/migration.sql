-- CreateTable
CREATE TABLE "Ticket" (
    "id" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "display" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "upstreamRole" TEXT NOT NULL,
    "sources" TEXT[],
    "usesMax" INTEGER,
    "usesLeft" INTEGER,
    "record" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "revokedAt" TIMESTAMPTZ(3),
    "revokedBy" TEXT,

    CONSTRAINT "Ticket_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Ticket_issuer_subject_createdAt_idx" ON "Ticket"("issuer", "subject", "createdAt");

-- CreateIndex
CREATE INDEX "Ticket_createdAt_id_idx" ON "Ticket"("createdAt", "id");
