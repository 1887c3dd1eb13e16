// Table: which columns and relations of PostgreSQL's own catalogs which version has, where it is not 18 that is listed in gen/system.ts.

/** Columns that older servers have and psql of their time asks for. */
export const former: Readonly<Record<string, readonly { name: string; type: string; goneIn: number }[]>> = {
  'pg_catalog.pg_attribute': [{ name: 'attcacheoff', type: 'pg_catalog.int4', goneIn: 180_000 }],
  'pg_catalog.pg_collation': [{ name: 'colliculocale', type: 'pg_catalog.text', goneIn: 170_000 }],
  'pg_catalog.pg_stat_bgwriter': [
    { name: 'checkpoints_timed', type: 'pg_catalog.int8', goneIn: 170_000 },
    { name: 'checkpoints_req', type: 'pg_catalog.int8', goneIn: 170_000 },
  ],
  'pg_catalog.pg_database': [
    { name: 'daticulocale', type: 'pg_catalog.text', goneIn: 170_000 },
    { name: 'datlastsysoid', type: 'pg_catalog.oid', goneIn: 150_000 },
  ],
}
/**
 * Columns that came after PostgreSQL 13, of the relations that may be read without coverage: on an older server the name
 * means a column of another relation, or of a query around this one.
 */
export const came: Readonly<Record<number, string>> = {
  140000: `pg_attribute.attcompression pg_inherits.inhdetachpending pg_proc.prosqlbody pg_range.rngmultitypid
    pg_statistic_ext.stxexprs pg_type.typsubscript pg_replication_slots.two_phase pg_stat_database.session_time
    pg_locks.waitstart pg_stat_activity.query_id pg_subscription.subbinary pg_subscription.substream
    pg_stat_database.active_time pg_stat_database.idle_in_transaction_time pg_stat_database.sessions
    pg_stat_database.sessions_abandoned pg_stat_database.sessions_fatal pg_stat_database.sessions_killed`,
  150000: `pg_constraint.confdelsetcols pg_database.datlocprovider
    pg_database.datcollversion pg_index.indnullsnotdistinct pg_publication_rel.prqual pg_publication_rel.prattrs
    pg_publication_tables.attnames pg_publication_tables.rowfilter information_schema.table_constraints.nulls_distinct
    pg_collation.colliculocale pg_database.daticulocale pg_subscription.subtwophasestate
    pg_subscription.subdisableonerr pg_subscription.subskiplsn`,
  160000: `pg_auth_members.oid pg_auth_members.inherit_option pg_auth_members.set_option pg_collation.collicurules
    pg_database.daticurules pg_stat_all_tables.last_seq_scan pg_stat_all_tables.last_idx_scan
    pg_stat_all_tables.n_tup_newpage_upd pg_stat_user_tables.last_seq_scan pg_stat_user_tables.last_idx_scan
    pg_stat_user_tables.n_tup_newpage_upd pg_stat_user_indexes.last_idx_scan pg_stat_all_indexes.last_idx_scan
    pg_replication_slots.conflicting pg_subscription.suborigin pg_subscription.subpasswordrequired
    pg_subscription.subrunasowner pg_stat_gssapi.credentials_delegated`,
  170000: `pg_collation.colllocale pg_database.datlocale pg_database.dathasloginevt pg_replication_slots.inactive_since
    pg_replication_slots.invalidation_reason pg_replication_slots.failover pg_replication_slots.synced
    pg_subscription.subfailover`,
  180000: `pg_class.relallfrozen pg_constraint.conenforced pg_constraint.conperiod pg_publication.pubgencols
    pg_stat_all_tables.total_vacuum_time pg_stat_all_tables.total_autovacuum_time pg_stat_all_tables.total_analyze_time
    pg_stat_all_tables.total_autoanalyze_time pg_stat_user_tables.total_vacuum_time
    pg_stat_user_tables.total_autovacuum_time pg_stat_user_tables.total_analyze_time
    pg_stat_user_tables.total_autoanalyze_time pg_replication_slots.two_phase_at
    pg_stat_checkpointer.num_done pg_stat_database.parallel_workers_to_launch pg_stat_database.parallel_workers_launched`,
}
/** Relations that came, likewise. */
export const cameWhole: Readonly<Record<string, number>> = {
  'pg_catalog.pg_parameter_acl': 150_000,
  'pg_catalog.pg_stat_checkpointer': 170_000,
  'pg_catalog.pg_publication_namespace': 150_000,
  'information_schema.routine_column_usage': 140_000,
  'information_schema.routine_routine_usage': 140_000,
  'information_schema.routine_sequence_usage': 140_000,
  'information_schema.routine_table_usage': 140_000,
}
