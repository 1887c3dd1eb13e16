// Table: columns of PostgreSQL's statistics that tell how much there is and was, and in which state sessions are; never whose values.

const tableCounters = `relid schemaname relname seq_scan last_seq_scan idx_scan last_idx_scan n_tup_ins n_tup_upd n_tup_del
  n_live_tup n_mod_since_analyze n_ins_since_vacuum last_vacuum last_autovacuum last_analyze last_autoanalyze vacuum_count
  autovacuum_count analyze_count autoanalyze_count`
const indexCounters = 'relid indexrelid schemaname relname indexrelname idx_scan last_idx_scan'
const names = 'relid schemaname relname'
const indexNames = 'relid indexrelid schemaname relname indexrelname'
const sessionStates = `datid datname pid leader_pid usesysid usename backend_start xact_start query_start state_change
  wait_event_type wait_event state backend_type`
/**
 * Columns of statistics that tell how much there is and was, as BI tools and dashboards ask; the only ones of their relations
 * that may be read without coverage. What depends on how long values are, or on whether one stayed as it was, is not among them:
 * hot updates, dead rows, positions in the log.
 */
export const counters: Readonly<Record<string, string>> = {
  pg_stat_user_tables: tableCounters,
  pg_stat_all_tables: tableCounters,
  // Which tables and indexes there are: ORMs find comments by it. Not the blocks that were read: they tell how long values are.
  pg_statio_all_tables: names,
  pg_statio_user_tables: names,
  pg_statio_all_indexes: indexNames,
  pg_statio_user_indexes: indexNames,
  // Which columns were looked at. What ANALYZE has found in them is made of values, and so are nulls of an indexed expression.
  pg_stats: 'schemaname tablename attname inherited',
  // When and why the server wrote: nothing of how much.
  pg_stat_bgwriter: 'checkpoints_timed checkpoints_req stats_reset',
  pg_stat_checkpointer:
    'num_timed num_requested num_done restartpoints_timed restartpoints_req restartpoints_done stats_reset',
  pg_stat_user_indexes: indexCounters,
  pg_stat_all_indexes: indexCounters,
  // Not how many rows or blocks: those of TOAST tables are among them.
  pg_stat_database: `datid datname numbackends xact_commit xact_rollback conflicts deadlocks sessions sessions_abandoned sessions_fatal
    sessions_killed stats_reset`,
  // How sessions are encrypted; not as whom they logged in.
  pg_stat_ssl: 'pid ssl version cipher bits',
  pg_stat_gssapi: 'pid gss_authenticated encrypted',
  // Not what other sessions run, nor what they call themselves.
  pg_stat_activity: sessionStates,
  // Not what is locked by a number: advisory locks have keys that somebody chose.
  pg_locks: 'locktype database relation virtualtransaction pid mode granted fastpath waitstart',
  pg_replication_slots: 'slot_name plugin slot_type datoid database temporary active',
}
