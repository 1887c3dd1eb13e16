-- AlterTable
ALTER TABLE "Ticket" ADD COLUMN     "isFast" BOOLEAN NOT NULL DEFAULT false;
