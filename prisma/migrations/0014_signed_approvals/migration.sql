-- AlterTable
ALTER TABLE "HoldVerdict" ADD COLUMN     "signature" TEXT,
ADD COLUMN     "signerKey" TEXT;
