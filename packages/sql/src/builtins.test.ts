// Which built-ins are free of effects: the lists of THREATS, and what everyday work needs.
import { describe, expect, it } from 'vitest'
import { builtin, isSystemOperator, isSystemType, systemRelation } from './builtins.ts'

const words = (text: string): string[] => text.trim().split(/\s+/)

describe('functions', () => {
  it.each(
    words(`pg_read_file pg_read_binary_file pg_ls_dir pg_ls_waldir pg_stat_file lo_import lo_export lo_get lo_put lowrite
      pg_sleep pg_sleep_for pg_sleep_until pg_terminate_backend pg_cancel_backend pg_reload_conf pg_rotate_logfile
      pg_switch_wal pg_promote pg_create_restore_point pg_create_logical_replication_slot pg_logical_emit_message
      pg_logical_slot_get_changes pg_drop_replication_slot pg_get_replication_slots set_config setval nextval
      pg_advisory_lock pg_advisory_xact_lock_shared pg_try_advisory_lock pg_advisory_unlock_all pg_notify
      pg_export_snapshot pg_import_system_collations txid_current pg_current_xact_id currtid2 query_to_xml
      query_to_xmlschema cursor_to_xml table_to_xml schema_to_xml database_to_xml ts_stat ts_rewrite
      pg_stat_get_activity pg_stat_get_backend_activity pg_stat_reset pg_mcv_list_items pg_lock_status pg_cursor
      pg_prepared_statement pg_config pg_hba_file_rules pg_relation_filepath current_query setseed
      binary_upgrade_set_next_pg_type_oid pg_restore_attribute_stats`),
  )('%s is an effect', (name) => expect(builtin(`pg_catalog.${name}`)?.class).toBe('effect'))

  it.each(
    words(`lower upper round count sum avg min max string_agg array_agg jsonb_agg row_to_json to_char to_date now
      clock_timestamp random gen_random_uuid md5 sha256 encode decode convert_from length substring regexp_replace
      generate_series unnest jsonb_each_text json_build_object row_number rank lag percentile_cont
      has_table_privilege pg_has_role pg_table_is_visible format_type pg_get_userbyid pg_get_expr pg_get_indexdef
      pg_get_constraintdef obj_description shobj_description col_description pg_options_to_table pg_backend_pid current_schema current_database version currval lastval
      pg_relation_size pg_size_pretty pg_postmaster_start_time pg_conf_load_time pg_tablespace_location pg_blocking_pids pg_is_in_recovery to_regclass pg_stat_get_numscans pg_typeof txid_current_snapshot`),
  )('%s is pure', (name) => expect(builtin(`pg_catalog.${name}`)?.class).toBe('pure'))

  it.each(words('pg_get_viewdef pg_get_functiondef pg_show_all_settings'))('%s needs the preset', (name) =>
    expect(builtin(`pg_catalog.${name}`)?.class).toBe('tooling'),
  )

  it('knows what a function gives in FROM', () => {
    expect(builtin('pg_catalog.json_each')?.columns.map(({ name }) => name)).toEqual(['key', 'value'])
    expect(builtin('pg_catalog.jsonb_array_elements')?.columns).toEqual([{ name: 'value', type: 'pg_catalog.jsonb' }])
    expect(builtin('pg_catalog.generate_series')).toMatchObject({ returnsSet: true, columns: [] })
    expect(builtin('information_schema._pg_expandarray')?.columns.map(({ name }) => name)).toEqual(['x', 'n'])
  })

  it('knows no function that takes internal arguments, and none of another schema', () => {
    expect(builtin('pg_catalog.eqsel')).toBeUndefined()
    expect(builtin('public.lower')).toBeUndefined()
    expect(builtin('lower')).toBeUndefined()
  })
})

describe('relations', () => {
  const access = (relation: string, column: string): string | undefined =>
    systemRelation(relation)?.columns.find(({ name }) => name === column)?.access

  it.each([
    ['pg_catalog.pg_class', 'relname', 'baseline'],
    ['pg_catalog.pg_attribute', 'attname', 'baseline'],
    ['pg_catalog.pg_attribute', 'attmissingval', 'hidden'],
    ['pg_catalog.pg_attrdef', 'adbin', 'baseline'],
    ['pg_catalog.pg_constraint', 'conbin', 'baseline'],
    ['pg_catalog.pg_type', 'typdefaultbin', 'baseline'],
    ['pg_catalog.pg_partitioned_table', 'partexprs', 'baseline'],
    ['pg_catalog.pg_trigger', 'tgargs', 'baseline'],
    ['pg_catalog.pg_statistic_ext', 'stxexprs', 'tooling'],
    ['pg_catalog.pg_tablespace', 'spcoptions', 'baseline'],
    ['pg_catalog.pg_largeobject_metadata', 'lomowner', 'baseline'],
    ['pg_catalog.pg_sequences', 'start_value', 'baseline'],
    ['pg_catalog.pg_sequences', 'last_value', 'tooling'],
    ['pg_catalog.pg_subscription', 'subname', 'baseline'],
    ['pg_catalog.pg_user_mappings', 'srvname', 'baseline'],
    ['pg_catalog.pg_roles', 'rolpassword', 'baseline'],
    ['pg_catalog.pg_roles', 'rolconfig', 'tooling'],
    ['pg_catalog.pg_stat_ssl', 'cipher', 'baseline'],
    ['pg_catalog.pg_stat_ssl', 'client_dn', 'covered'],
    ['pg_catalog.pg_stat_gssapi', 'encrypted', 'baseline'],
    ['pg_catalog.pg_stats', 'attname', 'baseline'],
    ['pg_catalog.pg_stats', 'null_frac', 'covered'],
    ['pg_catalog.pg_stats', 'avg_width', 'covered'],
    ['pg_catalog.pg_stats', 'most_common_vals', 'covered'],
    ['pg_catalog.pg_statio_all_tables', 'relid', 'baseline'],
    ['pg_catalog.pg_statio_all_tables', 'toast_blks_read', 'covered'],
    ['pg_catalog.pg_stat_bgwriter', 'checkpoints_timed', 'baseline'],
    ['pg_catalog.pg_stat_bgwriter', 'buffers_alloc', 'covered'],
    ['pg_catalog.pg_stat_checkpointer', 'num_requested', 'baseline'],
    ['pg_catalog.pg_stat_gssapi', 'principal', 'covered'],
    ['pg_catalog.pg_stat_database', 'deadlocks', 'baseline'],
    ['pg_catalog.pg_stat_database', 'tup_inserted', 'covered'],
    ['pg_catalog.pg_index', 'indpred', 'baseline'],
    ['pg_catalog.pg_proc', 'prosrc', 'tooling'],
    ['pg_catalog.pg_description', 'description', 'baseline'],
    ['pg_catalog.pg_shdescription', 'description', 'baseline'],
    ['pg_catalog.pg_indexes', 'indexdef', 'baseline'],
    ['pg_catalog.pg_stat_user_tables', 'n_live_tup', 'baseline'],
    ['pg_catalog.pg_stat_user_tables', 'n_tup_hot_upd', 'covered'],
    ['pg_catalog.pg_stat_user_tables', 'n_dead_tup', 'covered'],
    ['pg_catalog.pg_stat_user_indexes', 'idx_scan', 'baseline'],
    ['pg_catalog.pg_stat_user_indexes', 'idx_tup_read', 'covered'],
    ['pg_catalog.pg_stat_database', 'numbackends', 'baseline'],
    ['pg_catalog.pg_stat_database', 'tup_returned', 'covered'],
    ['pg_catalog.pg_replication_slots', 'slot_name', 'baseline'],
    ['pg_catalog.pg_replication_slots', 'restart_lsn', 'covered'],
    ['pg_catalog.pg_stat_activity', 'state', 'baseline'],
    ['pg_catalog.pg_stat_activity', 'application_name', 'covered'],
    ['pg_catalog.pg_locks', 'mode', 'baseline'],
    ['pg_catalog.pg_settings', 'setting', 'tooling'],
    ['pg_catalog.pg_stats', 'most_common_vals', 'covered'],
    ['pg_catalog.pg_stats_ext', 'most_common_vals', 'covered'],
    ['pg_catalog.pg_stats_ext_exprs', 'histogram_bounds', 'covered'],
    ['pg_catalog.pg_statistic', 'stavalues1', 'covered'],
    ['pg_catalog.pg_statistic_ext_data', 'stxdmcv', 'covered'],
    ['pg_catalog.pg_stat_activity', 'query', 'covered'],
    ['pg_catalog.pg_cursors', 'statement', 'covered'],
    ['pg_catalog.pg_prepared_statements', 'statement', 'covered'],
    ['pg_catalog.pg_prepared_xacts', 'gid', 'covered'],
    ['pg_catalog.pg_locks', 'objid', 'covered'],
    ['pg_catalog.pg_largeobject', 'data', 'covered'],
    ['pg_catalog.pg_authid', 'rolpassword', 'covered'],
    ['pg_catalog.pg_shadow', 'passwd', 'covered'],
    ['pg_catalog.pg_user_mapping', 'umoptions', 'covered'],
    ['pg_catalog.pg_user_mappings', 'umoptions', 'covered'],
    ['pg_catalog.pg_subscription', 'subconninfo', 'covered'],
    ['pg_catalog.pg_hba_file_rules', 'address', 'covered'],
    ['pg_catalog.pg_foreign_server', 'srvoptions', 'covered'],
    ['pg_catalog.pg_foreign_table', 'ftoptions', 'tooling'],
    ['pg_catalog.pg_foreign_data_wrapper', 'fdwoptions', 'covered'],
    ['information_schema.columns', 'column_default', 'baseline'],
    ['information_schema.views', 'view_definition', 'tooling'],
    ['information_schema.user_mapping_options', 'option_value', 'covered'],
    ['information_schema.foreign_server_options', 'option_value', 'covered'],
  ])('%s.%s is %s', (relation, column, expected) => expect(access(relation, column)).toBe(expected))
})

describe('types and operators', () => {
  it('knows types and their arrays', () => {
    expect(isSystemType('pg_catalog.text')).toBe(true)
    expect(isSystemType('pg_catalog._text')).toBe(true)
    expect(isSystemType('public.text')).toBe(false)
  })

  it('knows operators with and without operands', () => {
    expect(isSystemOperator('=')).toBe(true)
    expect(isSystemOperator('=', 'pg_catalog.text', 'pg_catalog.text')).toBe(true)
    expect(isSystemOperator('%', 'pg_catalog.text', 'pg_catalog.text')).toBe(false)
    expect(isSystemOperator('~=~=')).toBe(false)
  })
})
