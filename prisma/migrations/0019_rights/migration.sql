-- AlterTable
ALTER TABLE "Login" ADD COLUMN     "confirmedBy" TEXT;

-- AlterTable
ALTER TABLE "Person" ADD COLUMN     "rights" INTEGER NOT NULL DEFAULT 0;

-- CreateIndex
CREATE INDEX "Login_confirmedBy_idx" ON "Login"("confirmedBy");
