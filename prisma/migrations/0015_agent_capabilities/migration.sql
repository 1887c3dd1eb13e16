-- AlterTable
ALTER TABLE "Agent" ADD COLUMN     "capabilities" TEXT[] DEFAULT ARRAY[]::TEXT[];
