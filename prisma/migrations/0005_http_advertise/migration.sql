-- AlterTable
ALTER TABLE "Agent" ADD COLUMN     "advertiseHttp" TEXT NOT NULL DEFAULT '';
