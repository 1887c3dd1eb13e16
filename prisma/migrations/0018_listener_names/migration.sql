-- AlterTable
ALTER TABLE "Agent" ADD COLUMN     "serverNames" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "Person" ALTER COLUMN "lastLoginAt" DROP NOT NULL;
