#!/bin/sh
# Runs once, in PostgreSQL's image, after shop.sql: the role that the agent logs in as gets its password, and the server
# its certificate. Both were made by "init" and lie in a volume of this container alone.
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname="$POSTGRES_DB" <<'SQL'
SET log_statement = 'none';
\set password `cat "$SHOP_DIR/app-password"`
ALTER ROLE app_rw PASSWORD :'password';
ALTER SYSTEM SET ssl = on;
SQL
# PostgreSQL takes a key that its own user alone may read.
install -m 600 "$SHOP_DIR/server.crt" "$PGDATA/server.crt"
install -m 600 "$SHOP_DIR/server.key" "$PGDATA/server.key"
