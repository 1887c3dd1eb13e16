-- AlterTable
ALTER TABLE "RecordedSession" ADD COLUMN     "authentication" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "tls" BOOLEAN NOT NULL DEFAULT true;
