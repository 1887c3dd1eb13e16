-- AlterTable
ALTER TABLE "Label" ADD COLUMN "colour" TEXT NOT NULL DEFAULT 'red';
