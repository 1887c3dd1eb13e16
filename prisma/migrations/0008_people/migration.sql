-- What SCIM provisions, logins that turn over and can be listed, the link of the first administrator.
-- AlterTable
ALTER TABLE "Login" ADD COLUMN     "address" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "askedAt" TIMESTAMPTZ(3),
ADD COLUMN     "client" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "idToken" BYTEA,
ADD COLUMN     "nextAt" TIMESTAMPTZ(3),
ADD COLUMN     "nextHash" TEXT,
ADD COLUMN     "previousHash" TEXT,
ADD COLUMN     "provider" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "refreshToken" BYTEA,
ADD COLUMN     "refreshedAt" TIMESTAMPTZ(3),
ADD COLUMN     "rotatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "LoginAttempt" ADD COLUMN     "said" JSONB;

-- AlterTable
ALTER TABLE "Person" ADD COLUMN     "disabledBy" TEXT,
ADD COLUMN     "provisioned" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- CreateTable
CREATE TABLE "SetupLink" (
    "codeHash" TEXT NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "SetupLink_pkey" PRIMARY KEY ("codeHash")
);

-- CreateTable
CREATE TABLE "ScimToken" (
    "id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "tokenHash" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "createdBy" TEXT NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "lastUsedAt" TIMESTAMPTZ(3),
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "ScimToken_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ScimUser" (
    "id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "subject" TEXT,
    "userName" TEXT NOT NULL,
    "userNameKey" TEXT NOT NULL,
    "externalId" TEXT,
    "display" TEXT NOT NULL,
    "active" BOOLEAN NOT NULL,
    "attributes" JSONB NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ScimUser_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ScimGroup" (
    "id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "display" TEXT NOT NULL,
    "displayKey" TEXT NOT NULL,
    "externalId" TEXT,
    "version" INTEGER NOT NULL DEFAULT 1,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ScimGroup_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ScimMember" (
    "groupId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,

    CONSTRAINT "ScimMember_pkey" PRIMARY KEY ("groupId","userId")
);

-- CreateIndex
CREATE UNIQUE INDEX "ScimToken_tokenHash_key" ON "ScimToken"("tokenHash");

-- CreateIndex
CREATE INDEX "ScimToken_provider_createdAt_idx" ON "ScimToken"("provider", "createdAt");

-- CreateIndex
CREATE INDEX "ScimUser_provider_createdAt_id_idx" ON "ScimUser"("provider", "createdAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "ScimUser_provider_userNameKey_key" ON "ScimUser"("provider", "userNameKey");

-- CreateIndex
CREATE UNIQUE INDEX "ScimUser_provider_subject_key" ON "ScimUser"("provider", "subject");

-- CreateIndex
CREATE INDEX "ScimGroup_provider_createdAt_id_idx" ON "ScimGroup"("provider", "createdAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "ScimGroup_provider_displayKey_key" ON "ScimGroup"("provider", "displayKey");

-- CreateIndex
CREATE INDEX "ScimMember_userId_idx" ON "ScimMember"("userId");

-- CreateIndex
CREATE UNIQUE INDEX "Login_nextHash_key" ON "Login"("nextHash");

-- CreateIndex
CREATE UNIQUE INDEX "Login_previousHash_key" ON "Login"("previousHash");

-- CreateIndex
CREATE INDEX "Person_display_id_idx" ON "Person"("display", "id");

-- AddForeignKey
ALTER TABLE "ScimMember" ADD CONSTRAINT "ScimMember_groupId_fkey" FOREIGN KEY ("groupId") REFERENCES "ScimGroup"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ScimMember" ADD CONSTRAINT "ScimMember_userId_fkey" FOREIGN KEY ("userId") REFERENCES "ScimUser"("id") ON DELETE CASCADE ON UPDATE CASCADE;
