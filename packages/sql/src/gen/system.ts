// Made by generate/system.mjs from a plain PostgreSQL 18.4; do not edit. Names without a schema are of pg_catalog.

/** name, then volatility (worst of its variants) i|s|v, kind f|a|w|p, set s|-, then result type or -, then OUT columns. */
export const systemFunctions = String.raw`
information_schema._pg_char_max_length if- int4
information_schema._pg_char_octet_length if- int4
information_schema._pg_datetime_precision if- int4
information_schema._pg_expandarray ifs record x:anyelement,n:int4
information_schema._pg_index_position sf- int4
information_schema._pg_interval_type if- text
information_schema._pg_numeric_precision if- int4
information_schema._pg_numeric_precision_radix if- int4
information_schema._pg_numeric_scale if- int4
information_schema._pg_truetypid if- oid
information_schema._pg_truetypmod if- int4
abbrev if- text
abs if- -
aclcontains if- bool
acldefault if- _aclitem
aclexplode sfs record grantor:oid,grantee:oid,privilege_type:text,is_grantable:bool
aclinsert if- _aclitem
aclitemeq if- bool
aclremove if- _aclitem
acos if- float8
acosd if- float8
acosh if- float8
age sf- -
amvalidate vf- bool
any_value ia- anyelement
any_value_transfn if- anyelement
anyarray_send sf- bytea
anycompatiblearray_send sf- bytea
anytextcat sf- text
area if- float8
array_agg ia- anyarray
array_append if- anycompatiblearray
array_cat if- anycompatiblearray
array_dims if- text
array_eq if- bool
array_fill if- anyarray
array_ge if- bool
array_gt if- bool
array_larger if- anyarray
array_le if- bool
array_length if- int4
array_lower if- int4
array_lt if- bool
array_ndims if- int4
array_ne if- bool
array_position if- int4
array_positions if- _int4
array_prepend if- anycompatiblearray
array_remove if- anycompatiblearray
array_replace if- anycompatiblearray
array_reverse if- anyarray
array_sample vf- anyarray
array_send sf- bytea
array_shuffle vf- anyarray
array_smaller if- anyarray
array_sort if- anyarray
array_to_json sf- json
array_to_string sf- text
array_to_tsvector if- tsvector
array_upper if- int4
arraycontained if- bool
arraycontains if- bool
arrayoverlap if- bool
ascii if- int4
asin if- float8
asind if- float8
asinh if- float8
atan if- float8
atan2 if- float8
atan2d if- float8
atand if- float8
atanh if- float8
avg ia- -
binary_upgrade_add_sub_rel_state vf- void
binary_upgrade_create_empty_extension vf- void
binary_upgrade_logical_slot_has_caught_up vf- bool
binary_upgrade_replorigin_advance vf- void
binary_upgrade_set_missing_value vf- void
binary_upgrade_set_next_array_pg_type_oid vf- void
binary_upgrade_set_next_heap_pg_class_oid vf- void
binary_upgrade_set_next_heap_relfilenode vf- void
binary_upgrade_set_next_index_pg_class_oid vf- void
binary_upgrade_set_next_index_relfilenode vf- void
binary_upgrade_set_next_multirange_array_pg_type_oid vf- void
binary_upgrade_set_next_multirange_pg_type_oid vf- void
binary_upgrade_set_next_pg_authid_oid vf- void
binary_upgrade_set_next_pg_enum_oid vf- void
binary_upgrade_set_next_pg_tablespace_oid vf- void
binary_upgrade_set_next_pg_type_oid vf- void
binary_upgrade_set_next_toast_pg_class_oid vf- void
binary_upgrade_set_next_toast_relfilenode vf- void
binary_upgrade_set_record_init_privs vf- void
bit if- bit
bit_and ia- -
bit_count if- int8
bit_length if- int4
bit_or ia- -
bit_send if- bytea
bit_xor ia- -
bitand if- bit
bitcat if- varbit
bitcmp if- int4
biteq if- bool
bitge if- bool
bitgt if- bool
bitle if- bool
bitlt if- bool
bitne if- bool
bitnot if- bit
bitor if- bit
bitshiftleft if- bit
bitshiftright if- bit
bittypmodin if- int4
bitxor if- bit
bool if- bool
bool_and ia- bool
bool_or ia- bool
booland_statefunc if- bool
booleq if- bool
boolge if- bool
boolgt if- bool
boolle if- bool
boollt if- bool
boolne if- bool
boolor_statefunc if- bool
boolsend if- bytea
bound_box if- box
box if- box
box_above if- bool
box_above_eq if- bool
box_add if- box
box_below if- bool
box_below_eq if- bool
box_center if- point
box_contain if- bool
box_contain_pt if- bool
box_contained if- bool
box_distance if- float8
box_div if- box
box_eq if- bool
box_ge if- bool
box_gt if- bool
box_intersect if- box
box_le if- bool
box_left if- bool
box_lt if- bool
box_mul if- box
box_overabove if- bool
box_overbelow if- bool
box_overlap if- bool
box_overleft if- bool
box_overright if- bool
box_right if- bool
box_same if- bool
box_send if- bytea
box_sub if- box
bpchar if- bpchar
bpchar_larger if- bpchar
bpchar_pattern_ge if- bool
bpchar_pattern_gt if- bool
bpchar_pattern_le if- bool
bpchar_pattern_lt if- bool
bpchar_smaller if- bpchar
bpcharcmp if- int4
bpchareq if- bool
bpcharge if- bool
bpchargt if- bool
bpchariclike if- bool
bpcharicnlike if- bool
bpcharicregexeq if- bool
bpcharicregexne if- bool
bpcharle if- bool
bpcharlike if- bool
bpcharlt if- bool
bpcharne if- bool
bpcharnlike if- bool
bpcharregexeq if- bool
bpcharregexne if- bool
bpcharsend sf- bytea
bpchartypmodin if- int4
brin_bloom_summary_send sf- bytea
brin_desummarize_range vf- void
brin_minmax_multi_summary_send sf- bytea
brin_summarize_new_values vf- int4
brin_summarize_range vf- int4
broadcast if- inet
btarraycmp if- int4
btboolcmp if- int4
btbpchar_pattern_cmp if- int4
btcharcmp if- int4
btequalimage if- bool
btfloat48cmp if- int4
btfloat4cmp if- int4
btfloat84cmp if- int4
btfloat8cmp if- int4
btint24cmp if- int4
btint28cmp if- int4
btint2cmp if- int4
btint42cmp if- int4
btint48cmp if- int4
btint4cmp if- int4
btint82cmp if- int4
btint84cmp if- int4
btint8cmp if- int4
btnamecmp if- int4
btnametextcmp if- int4
btoidcmp if- int4
btoidvectorcmp if- int4
btrecordcmp if- int4
btrecordimagecmp if- int4
btrim if- -
bttext_pattern_cmp if- int4
bttextcmp if- int4
bttextnamecmp if- int4
bttidcmp if- int4
btvarstrequalimage if- bool
bytea if- bytea
bytea_larger if- bytea
bytea_smaller if- bytea
byteacat if- bytea
byteacmp if- int4
byteaeq if- bool
byteage if- bool
byteagt if- bool
byteale if- bool
bytealike if- bool
bytealt if- bool
byteane if- bool
byteanlike if- bool
byteasend if- bytea
cardinality if- int4
casefold if- text
cash_cmp if- int4
cash_div_cash if- float8
cash_div_flt4 if- money
cash_div_flt8 if- money
cash_div_int2 if- money
cash_div_int4 if- money
cash_div_int8 if- money
cash_eq if- bool
cash_ge if- bool
cash_gt if- bool
cash_le if- bool
cash_lt if- bool
cash_mi if- money
cash_mul_flt4 if- money
cash_mul_flt8 if- money
cash_mul_int2 if- money
cash_mul_int4 if- money
cash_mul_int8 if- money
cash_ne if- bool
cash_pl if- money
cash_send if- bytea
cash_words if- text
cashlarger if- money
cashsmaller if- money
cbrt if- float8
ceil if- -
ceiling if- -
center if- point
char if- char
char_length if- int4
character_length if- int4
chareq if- bool
charge if- bool
chargt if- bool
charle if- bool
charlt if- bool
charne if- bool
charsend if- bytea
chr if- text
cideq if- bool
cidr if- cidr
cidr_send if- bytea
cidsend if- bytea
circle if- circle
circle_above if- bool
circle_add_pt if- circle
circle_below if- bool
circle_center if- point
circle_contain if- bool
circle_contain_pt if- bool
circle_contained if- bool
circle_distance if- float8
circle_div_pt if- circle
circle_eq if- bool
circle_ge if- bool
circle_gt if- bool
circle_le if- bool
circle_left if- bool
circle_lt if- bool
circle_mul_pt if- circle
circle_ne if- bool
circle_overabove if- bool
circle_overbelow if- bool
circle_overlap if- bool
circle_overleft if- bool
circle_overright if- bool
circle_right if- bool
circle_same if- bool
circle_send if- bytea
circle_sub_pt if- circle
clock_timestamp vf- timestamptz
close_ls if- point
close_lseg if- point
close_pb if- point
close_pl if- point
close_ps if- point
close_sb if- point
col_description sf- text
concat sf- text
concat_ws sf- text
convert sf- bytea
convert_from sf- text
convert_to sf- bytea
corr ia- float8
cos if- float8
cosd if- float8
cosh if- float8
cot if- float8
cotd if- float8
count ia- int8
covar_pop ia- float8
covar_samp ia- float8
crc32 if- int8
crc32c if- int8
cume_dist iw- float8
current_database sf- name
current_query vf- text
current_schema sf- name
current_schemas sf- _name
current_setting sf- text
current_user sf- name
currtid2 vf- tid
currval vf- int8
cursor_to_xml vf- xml
cursor_to_xmlschema vf- xml
database_to_xml sf- xml
database_to_xml_and_xmlschema sf- xml
database_to_xmlschema sf- xml
date sf- date
date_add sf- timestamptz
date_bin if- -
date_cmp if- int4
date_cmp_timestamp if- int4
date_cmp_timestamptz sf- int4
date_eq if- bool
date_eq_timestamp if- bool
date_eq_timestamptz sf- bool
date_ge if- bool
date_ge_timestamp if- bool
date_ge_timestamptz sf- bool
date_gt if- bool
date_gt_timestamp if- bool
date_gt_timestamptz sf- bool
date_larger if- date
date_le if- bool
date_le_timestamp if- bool
date_le_timestamptz sf- bool
date_lt if- bool
date_lt_timestamp if- bool
date_lt_timestamptz sf- bool
date_mi if- int4
date_mi_interval if- timestamp
date_mii if- date
date_ne if- bool
date_ne_timestamp if- bool
date_ne_timestamptz sf- bool
date_part sf- float8
date_pl_interval if- timestamp
date_pli if- date
date_send if- bytea
date_smaller if- date
date_subtract sf- timestamptz
date_trunc sf- -
datemultirange if- datemultirange
daterange if- daterange
daterange_canonical if- daterange
daterange_subdiff if- float8
datetime_pl if- timestamp
datetimetz_pl if- timestamptz
dcbrt if- float8
decode if- bytea
degrees if- float8
dense_rank iw- int8
dexp if- float8
diagonal if- lseg
diameter if- float8
dist_bp if- float8
dist_bs if- float8
dist_cpoint if- float8
dist_cpoly if- float8
dist_lp if- float8
dist_ls if- float8
dist_pathp if- float8
dist_pb if- float8
dist_pc if- float8
dist_pl if- float8
dist_polyc if- float8
dist_polyp if- float8
dist_ppath if- float8
dist_ppoly if- float8
dist_ps if- float8
dist_sb if- float8
dist_sl if- float8
dist_sp if- float8
div if- numeric
dlog1 if- float8
dlog10 if- float8
dpow if- float8
dround if- float8
dsqrt if- float8
dtrunc if- float8
elem_contained_by_multirange if- bool
elem_contained_by_range if- bool
encode if- text
enum_cmp if- int4
enum_eq if- bool
enum_first sf- anyenum
enum_ge if- bool
enum_gt if- bool
enum_larger if- anyenum
enum_last sf- anyenum
enum_le if- bool
enum_lt if- bool
enum_ne if- bool
enum_range sf- anyarray
enum_send sf- bytea
enum_smaller if- anyenum
erf if- float8
erfc if- float8
every ia- bool
exp if- -
extract sf- numeric
factorial if- numeric
family if- int4
first_value iw- anyelement
float4 if- float4
float48div if- float8
float48eq if- bool
float48ge if- bool
float48gt if- bool
float48le if- bool
float48lt if- bool
float48mi if- float8
float48mul if- float8
float48ne if- bool
float48pl if- float8
float4_accum if- _float8
float4abs if- float4
float4div if- float4
float4eq if- bool
float4ge if- bool
float4gt if- bool
float4larger if- float4
float4le if- bool
float4lt if- bool
float4mi if- float4
float4mul if- float4
float4ne if- bool
float4pl if- float4
float4send if- bytea
float4smaller if- float4
float4um if- float4
float4up if- float4
float8 if- float8
float84div if- float8
float84eq if- bool
float84ge if- bool
float84gt if- bool
float84le if- bool
float84lt if- bool
float84mi if- float8
float84mul if- float8
float84ne if- bool
float84pl if- float8
float8_accum if- _float8
float8_avg if- float8
float8_combine if- _float8
float8_corr if- float8
float8_covar_pop if- float8
float8_covar_samp if- float8
float8_regr_accum if- _float8
float8_regr_avgx if- float8
float8_regr_avgy if- float8
float8_regr_combine if- _float8
float8_regr_intercept if- float8
float8_regr_r2 if- float8
float8_regr_slope if- float8
float8_regr_sxx if- float8
float8_regr_sxy if- float8
float8_regr_syy if- float8
float8_stddev_pop if- float8
float8_stddev_samp if- float8
float8_var_pop if- float8
float8_var_samp if- float8
float8abs if- float8
float8div if- float8
float8eq if- bool
float8ge if- bool
float8gt if- bool
float8larger if- float8
float8le if- bool
float8lt if- bool
float8mi if- float8
float8mul if- float8
float8ne if- bool
float8pl if- float8
float8send if- bytea
float8smaller if- float8
float8um if- float8
float8up if- float8
floor if- -
flt4_mul_cash if- money
flt8_mul_cash if- money
fmgr_c_validator sf- void
fmgr_internal_validator sf- void
fmgr_sql_validator sf- void
format sf- text
format_type sf- text
gamma if- float8
gcd if- -
gen_random_uuid vf- uuid
generate_series sfs -
generate_subscripts ifs int4
get_bit if- int4
get_byte if- int4
get_current_ts_config sf- regconfig
getdatabaseencoding sf- name
getpgusername sf- name
gin_clean_pending_list vf- int8
gin_cmp_tslexeme if- int4
gin_compare_jsonb if- int4
gist_translate_cmptype_common if- int2
has_any_column_privilege sf- bool
has_column_privilege sf- bool
has_database_privilege sf- bool
has_foreign_data_wrapper_privilege sf- bool
has_function_privilege sf- bool
has_language_privilege sf- bool
has_largeobject_privilege sf- bool
has_parameter_privilege sf- bool
has_schema_privilege sf- bool
has_sequence_privilege sf- bool
has_server_privilege sf- bool
has_table_privilege sf- bool
has_tablespace_privilege sf- bool
has_type_privilege sf- bool
hash_aclitem if- int4
hash_aclitem_extended if- int8
hash_array if- int4
hash_array_extended if- int8
hash_multirange if- int4
hash_multirange_extended if- int8
hash_numeric if- int4
hash_numeric_extended if- int8
hash_range if- int4
hash_range_extended if- int8
hash_record if- int4
hash_record_extended if- int8
hashbool if- int4
hashboolextended if- int8
hashbpchar if- int4
hashbpcharextended if- int8
hashbytea if- int4
hashbyteaextended if- int8
hashchar if- int4
hashcharextended if- int8
hashcid if- int4
hashcidextended if- int8
hashdate if- int4
hashdateextended if- int8
hashenum if- int4
hashenumextended if- int8
hashfloat4 if- int4
hashfloat4extended if- int8
hashfloat8 if- int4
hashfloat8extended if- int8
hashinet if- int4
hashinetextended if- int8
hashint2 if- int4
hashint2extended if- int8
hashint4 if- int4
hashint4extended if- int8
hashint8 if- int4
hashint8extended if- int8
hashmacaddr if- int4
hashmacaddr8 if- int4
hashmacaddr8extended if- int8
hashmacaddrextended if- int8
hashname if- int4
hashnameextended if- int8
hashoid if- int4
hashoidextended if- int8
hashoidvector if- int4
hashoidvectorextended if- int8
hashtext if- int4
hashtextextended if- int8
hashtid if- int4
hashtidextended if- int8
hashxid if- int4
hashxid8 if- int4
hashxid8extended if- int8
hashxidextended if- int8
height if- float8
host if- text
hostmask if- inet
icu_unicode_version if- text
in_range sf- bool
inet_client_addr sf- inet
inet_client_port sf- int4
inet_merge if- cidr
inet_same_family if- bool
inet_send if- bytea
inet_server_addr sf- inet
inet_server_port sf- int4
inetand if- inet
inetmi if- int8
inetmi_int8 if- inet
inetnot if- inet
inetor if- inet
inetpl if- inet
initcap if- text
int2 if- int2
int24div if- int4
int24eq if- bool
int24ge if- bool
int24gt if- bool
int24le if- bool
int24lt if- bool
int24mi if- int4
int24mul if- int4
int24ne if- bool
int24pl if- int4
int28div if- int8
int28eq if- bool
int28ge if- bool
int28gt if- bool
int28le if- bool
int28lt if- bool
int28mi if- int8
int28mul if- int8
int28ne if- bool
int28pl if- int8
int2_avg_accum if- _int8
int2_avg_accum_inv if- _int8
int2_mul_cash if- money
int2_sum if- int8
int2abs if- int2
int2and if- int2
int2div if- int2
int2eq if- bool
int2ge if- bool
int2gt if- bool
int2int4_sum if- int8
int2larger if- int2
int2le if- bool
int2lt if- bool
int2mi if- int2
int2mod if- int2
int2mul if- int2
int2ne if- bool
int2not if- int2
int2or if- int2
int2pl if- int2
int2send if- bytea
int2shl if- int2
int2shr if- int2
int2smaller if- int2
int2um if- int2
int2up if- int2
int2vectorsend if- bytea
int2xor if- int2
int4 if- int4
int42div if- int4
int42eq if- bool
int42ge if- bool
int42gt if- bool
int42le if- bool
int42lt if- bool
int42mi if- int4
int42mul if- int4
int42ne if- bool
int42pl if- int4
int48div if- int8
int48eq if- bool
int48ge if- bool
int48gt if- bool
int48le if- bool
int48lt if- bool
int48mi if- int8
int48mul if- int8
int48ne if- bool
int48pl if- int8
int4_avg_accum if- _int8
int4_avg_accum_inv if- _int8
int4_avg_combine if- _int8
int4_mul_cash if- money
int4_sum if- int8
int4abs if- int4
int4and if- int4
int4div if- int4
int4eq if- bool
int4ge if- bool
int4gt if- bool
int4inc if- int4
int4larger if- int4
int4le if- bool
int4lt if- bool
int4mi if- int4
int4mod if- int4
int4mul if- int4
int4multirange if- int4multirange
int4ne if- bool
int4not if- int4
int4or if- int4
int4pl if- int4
int4range if- int4range
int4range_canonical if- int4range
int4range_subdiff if- float8
int4send if- bytea
int4shl if- int4
int4shr if- int4
int4smaller if- int4
int4um if- int4
int4up if- int4
int4xor if- int4
int8 if- int8
int82div if- int8
int82eq if- bool
int82ge if- bool
int82gt if- bool
int82le if- bool
int82lt if- bool
int82mi if- int8
int82mul if- int8
int82ne if- bool
int82pl if- int8
int84div if- int8
int84eq if- bool
int84ge if- bool
int84gt if- bool
int84le if- bool
int84lt if- bool
int84mi if- int8
int84mul if- int8
int84ne if- bool
int84pl if- int8
int8_avg if- numeric
int8_mul_cash if- money
int8_sum if- numeric
int8abs if- int8
int8and if- int8
int8dec if- int8
int8dec_any if- int8
int8div if- int8
int8eq if- bool
int8ge if- bool
int8gt if- bool
int8inc if- int8
int8inc_any if- int8
int8inc_float8_float8 if- int8
int8larger if- int8
int8le if- bool
int8lt if- bool
int8mi if- int8
int8mod if- int8
int8mul if- int8
int8multirange if- int8multirange
int8ne if- bool
int8not if- int8
int8or if- int8
int8pl if- int8
int8pl_inet if- inet
int8range if- int8range
int8range_canonical if- int8range
int8range_subdiff if- float8
int8send if- bytea
int8shl if- int8
int8shr if- int8
int8smaller if- int8
int8um if- int8
int8up if- int8
int8xor if- int8
integer_pl_date if- date
inter_lb if- bool
inter_sb if- bool
inter_sl if- bool
interval if- interval
interval_cmp if- int4
interval_div if- interval
interval_eq if- bool
interval_ge if- bool
interval_gt if- bool
interval_hash if- int4
interval_hash_extended if- int8
interval_larger if- interval
interval_le if- bool
interval_lt if- bool
interval_mi if- interval
interval_mul if- interval
interval_ne if- bool
interval_pl if- interval
interval_pl_date if- timestamp
interval_pl_time if- time
interval_pl_timestamp if- timestamp
interval_pl_timestamptz sf- timestamptz
interval_pl_timetz if- timetz
interval_send if- bytea
interval_smaller if- interval
interval_um if- interval
intervaltypmodin if- int4
is_normalized if- bool
isclosed if- bool
isempty if- bool
isfinite if- bool
ishorizontal if- bool
isopen if- bool
isparallel if- bool
isperp if- bool
isvertical if- bool
json_agg sa- json
json_agg_strict sa- json
json_array_element if- json
json_array_element_text if- text
json_array_elements ifs json value:json
json_array_elements_text ifs text value:text
json_array_length if- int4
json_build_array sf- json
json_build_object sf- json
json_each ifs record key:text,value:json
json_each_text ifs record key:text,value:text
json_extract_path if- json
json_extract_path_text if- text
json_object if- json
json_object_agg sa- json
json_object_agg_strict sa- json
json_object_agg_unique sa- json
json_object_agg_unique_strict sa- json
json_object_field if- json
json_object_field_text if- text
json_object_keys ifs text
json_populate_record sf- anyelement
json_populate_recordset sfs anyelement
json_send if- bytea
json_strip_nulls if- json
json_to_record sf- record
json_to_recordset sfs record
json_to_tsvector sf- tsvector
json_typeof if- text
jsonb_agg sa- jsonb
jsonb_agg_strict sa- jsonb
jsonb_array_element if- jsonb
jsonb_array_element_text if- text
jsonb_array_elements ifs jsonb value:jsonb
jsonb_array_elements_text ifs text value:text
jsonb_array_length if- int4
jsonb_build_array sf- jsonb
jsonb_build_object sf- jsonb
jsonb_cmp if- int4
jsonb_concat if- jsonb
jsonb_contained if- bool
jsonb_contains if- bool
jsonb_delete if- jsonb
jsonb_delete_path if- jsonb
jsonb_each ifs record key:text,value:jsonb
jsonb_each_text ifs record key:text,value:text
jsonb_eq if- bool
jsonb_exists if- bool
jsonb_exists_all if- bool
jsonb_exists_any if- bool
jsonb_extract_path if- jsonb
jsonb_extract_path_text if- text
jsonb_ge if- bool
jsonb_gt if- bool
jsonb_hash if- int4
jsonb_hash_extended if- int8
jsonb_insert if- jsonb
jsonb_le if- bool
jsonb_lt if- bool
jsonb_ne if- bool
jsonb_object if- jsonb
jsonb_object_agg ia- jsonb
jsonb_object_agg_strict ia- jsonb
jsonb_object_agg_unique ia- jsonb
jsonb_object_agg_unique_strict ia- jsonb
jsonb_object_field if- jsonb
jsonb_object_field_text if- text
jsonb_object_keys ifs text
jsonb_path_exists if- bool
jsonb_path_exists_opr if- bool
jsonb_path_exists_tz sf- bool
jsonb_path_match if- bool
jsonb_path_match_opr if- bool
jsonb_path_match_tz sf- bool
jsonb_path_query ifs jsonb
jsonb_path_query_array if- jsonb
jsonb_path_query_array_tz sf- jsonb
jsonb_path_query_first if- jsonb
jsonb_path_query_first_tz sf- jsonb
jsonb_path_query_tz sfs jsonb
jsonb_populate_record sf- anyelement
jsonb_populate_record_valid sf- bool
jsonb_populate_recordset sfs anyelement
jsonb_pretty if- text
jsonb_send if- bytea
jsonb_set if- jsonb
jsonb_set_lax if- jsonb
jsonb_strip_nulls if- jsonb
jsonb_to_record sf- record
jsonb_to_recordset sfs record
jsonb_to_tsvector sf- tsvector
jsonb_typeof if- text
jsonpath_send if- bytea
justify_days if- interval
justify_hours if- interval
justify_interval if- interval
lag iw- -
last_value iw- anyelement
lastval vf- int8
lcm if- -
lead iw- -
left if- text
length sf- -
lgamma if- float8
like if- bool
like_escape if- -
line if- line
line_distance if- float8
line_eq if- bool
line_horizontal if- bool
line_interpt if- point
line_intersect if- bool
line_parallel if- bool
line_perp if- bool
line_send if- bytea
line_vertical if- bool
ln if- -
lo_close vf- int4
lo_creat vf- oid
lo_create vf- oid
lo_export vf- int4
lo_from_bytea vf- oid
lo_get vf- bytea
lo_import vf- oid
lo_lseek vf- int4
lo_lseek64 vf- int8
lo_open vf- int4
lo_put vf- void
lo_tell vf- int4
lo_tell64 vf- int8
lo_truncate vf- int4
lo_truncate64 vf- int4
lo_unlink vf- int4
log if- -
log10 if- -
loread vf- bytea
lower if- -
lower_inc if- bool
lower_inf if- bool
lowrite vf- int4
lpad if- text
lseg if- lseg
lseg_center if- point
lseg_distance if- float8
lseg_eq if- bool
lseg_ge if- bool
lseg_gt if- bool
lseg_horizontal if- bool
lseg_interpt if- point
lseg_intersect if- bool
lseg_le if- bool
lseg_length if- float8
lseg_lt if- bool
lseg_ne if- bool
lseg_parallel if- bool
lseg_perp if- bool
lseg_send if- bytea
lseg_vertical if- bool
ltrim if- -
macaddr if- macaddr
macaddr8 if- macaddr8
macaddr8_and if- macaddr8
macaddr8_cmp if- int4
macaddr8_eq if- bool
macaddr8_ge if- bool
macaddr8_gt if- bool
macaddr8_le if- bool
macaddr8_lt if- bool
macaddr8_ne if- bool
macaddr8_not if- macaddr8
macaddr8_or if- macaddr8
macaddr8_send if- bytea
macaddr8_set7bit if- macaddr8
macaddr_and if- macaddr
macaddr_cmp if- int4
macaddr_eq if- bool
macaddr_ge if- bool
macaddr_gt if- bool
macaddr_le if- bool
macaddr_lt if- bool
macaddr_ne if- bool
macaddr_not if- macaddr
macaddr_or if- macaddr
macaddr_send if- bytea
make_date if- date
make_interval if- interval
make_time if- time
make_timestamp if- timestamp
make_timestamptz sf- timestamptz
makeaclitem if- aclitem
masklen if- int4
max ia- -
md5 if- text
min ia- -
min_scale if- int4
mod if- -
mode ia- anyelement
money sf- money
mul_d_interval if- interval
multirange if- anymultirange
multirange_adjacent_multirange if- bool
multirange_adjacent_range if- bool
multirange_after_multirange if- bool
multirange_after_range if- bool
multirange_before_multirange if- bool
multirange_before_range if- bool
multirange_cmp if- int4
multirange_contained_by_multirange if- bool
multirange_contained_by_range if- bool
multirange_contains_elem if- bool
multirange_contains_multirange if- bool
multirange_contains_range if- bool
multirange_eq if- bool
multirange_ge if- bool
multirange_gt if- bool
multirange_intersect if- anymultirange
multirange_intersect_agg_transfn if- anymultirange
multirange_le if- bool
multirange_lt if- bool
multirange_minus if- anymultirange
multirange_ne if- bool
multirange_overlaps_multirange if- bool
multirange_overlaps_range if- bool
multirange_overleft_multirange if- bool
multirange_overleft_range if- bool
multirange_overright_multirange if- bool
multirange_overright_range if- bool
multirange_send sf- bytea
multirange_union if- anymultirange
mxid_age sf- int4
name if- name
nameconcatoid if- name
nameeq if- bool
nameeqtext if- bool
namege if- bool
namegetext if- bool
namegt if- bool
namegttext if- bool
nameiclike if- bool
nameicnlike if- bool
nameicregexeq if- bool
nameicregexne if- bool
namele if- bool
nameletext if- bool
namelike if- bool
namelt if- bool
namelttext if- bool
namene if- bool
namenetext if- bool
namenlike if- bool
nameregexeq if- bool
nameregexne if- bool
namesend sf- bytea
netmask if- inet
network if- cidr
network_cmp if- int4
network_eq if- bool
network_ge if- bool
network_gt if- bool
network_larger if- inet
network_le if- bool
network_lt if- bool
network_ne if- bool
network_overlap if- bool
network_smaller if- inet
network_sub if- bool
network_subeq if- bool
network_sup if- bool
network_supeq if- bool
nextval vf- int8
normalize if- text
notlike if- bool
now sf- timestamptz
npoints if- int4
nth_value iw- anyelement
ntile iw- int4
num_nonnulls if- int4
num_nulls if- int4
numeric sf- numeric
numeric_abs if- numeric
numeric_add if- numeric
numeric_cmp if- int4
numeric_div if- numeric
numeric_div_trunc if- numeric
numeric_eq if- bool
numeric_exp if- numeric
numeric_ge if- bool
numeric_gt if- bool
numeric_inc if- numeric
numeric_larger if- numeric
numeric_le if- bool
numeric_ln if- numeric
numeric_log if- numeric
numeric_lt if- bool
numeric_mod if- numeric
numeric_mul if- numeric
numeric_ne if- bool
numeric_pl_pg_lsn if- pg_lsn
numeric_power if- numeric
numeric_send if- bytea
numeric_smaller if- numeric
numeric_sqrt if- numeric
numeric_sub if- numeric
numeric_uminus if- numeric
numeric_uplus if- numeric
numerictypmodin if- int4
nummultirange if- nummultirange
numnode if- int4
numrange if- numrange
numrange_subdiff if- float8
obj_description sf- text
octet_length if- int4
oid if- oid
oideq if- bool
oidge if- bool
oidgt if- bool
oidlarger if- oid
oidle if- bool
oidlt if- bool
oidne if- bool
oidsend if- bytea
oidsmaller if- oid
oidvectoreq if- bool
oidvectorge if- bool
oidvectorgt if- bool
oidvectorle if- bool
oidvectorlt if- bool
oidvectorne if- bool
oidvectorsend if- bytea
oidvectortypes sf- text
on_pb if- bool
on_pl if- bool
on_ppath if- bool
on_ps if- bool
on_sb if- bool
on_sl if- bool
overlaps sf- bool
overlay if- -
parse_ident if- _text
path if- path
path_add if- path
path_add_pt if- path
path_contain_pt if- bool
path_distance if- float8
path_div_pt if- path
path_inter if- bool
path_length if- float8
path_mul_pt if- path
path_n_eq if- bool
path_n_ge if- bool
path_n_gt if- bool
path_n_le if- bool
path_n_lt if- bool
path_npoints if- int4
path_send if- bytea
path_sub_pt if- path
pclose if- path
percent_rank iw- float8
percentile_cont ia- -
percentile_disc ia- -
pg_advisory_lock vf- void
pg_advisory_lock_shared vf- void
pg_advisory_unlock vf- bool
pg_advisory_unlock_all vf- void
pg_advisory_unlock_shared vf- bool
pg_advisory_xact_lock vf- void
pg_advisory_xact_lock_shared vf- void
pg_available_extension_versions sfs record name:name,version:text,superuser:bool,trusted:bool,relocatable:bool,schema:name,requires:_name,comment:text
pg_available_extensions sfs record name:name,default_version:text,comment:text
pg_available_wal_summaries vfs record tli:int8,start_lsn:pg_lsn,end_lsn:pg_lsn
pg_backend_pid sf- int4
pg_backup_start vf- pg_lsn
pg_backup_stop vf- record lsn:pg_lsn,labelfile:text,spcmapfile:text
pg_basetype sf- regtype
pg_blocking_pids vf- _int4
pg_cancel_backend vf- bool
pg_char_to_encoding sf- int4
pg_clear_attribute_stats vf- void
pg_clear_relation_stats vf- void
pg_client_encoding sf- name
pg_collation_actual_version vf- text
pg_collation_for sf- text
pg_collation_is_visible sf- bool
pg_column_compression sf- text
pg_column_is_updatable sf- bool
pg_column_size sf- int4
pg_column_toast_chunk_id sf- oid
pg_conf_load_time sf- timestamptz
pg_config sfs record name:text,setting:text
pg_control_checkpoint vf- record checkpoint_lsn:pg_lsn,redo_lsn:pg_lsn,redo_wal_file:text,timeline_id:int4,prev_timeline_id:int4,full_page_writes:bool,next_xid:text,next_oid:oid,next_multixact_id:xid,next_multi_offset:xid,oldest_xid:xid,oldest_xid_dbid:oid,oldest_active_xid:xid,oldest_multi_xid:xid,oldest_multi_dbid:oid,oldest_commit_ts_xid:xid,newest_commit_ts_xid:xid,checkpoint_time:timestamptz
pg_control_init vf- record max_data_alignment:int4,database_block_size:int4,blocks_per_segment:int4,wal_block_size:int4,bytes_per_wal_segment:int4,max_identifier_length:int4,max_index_columns:int4,max_toast_chunk_size:int4,large_object_chunk_size:int4,float8_pass_by_value:bool,data_page_checksum_version:int4,default_char_signedness:bool
pg_control_recovery vf- record min_recovery_end_lsn:pg_lsn,min_recovery_end_timeline:int4,backup_start_lsn:pg_lsn,backup_end_lsn:pg_lsn,end_of_backup_record_required:bool
pg_control_system vf- record pg_control_version:int4,catalog_version_no:int4,system_identifier:int8,pg_control_last_modified:timestamptz
pg_conversion_is_visible sf- bool
pg_copy_logical_replication_slot vf- record slot_name:name,lsn:pg_lsn
pg_copy_physical_replication_slot vf- record slot_name:name,lsn:pg_lsn
pg_create_logical_replication_slot vf- record slot_name:name,lsn:pg_lsn
pg_create_physical_replication_slot vf- record slot_name:name,lsn:pg_lsn
pg_create_restore_point vf- pg_lsn
pg_current_logfile vf- text
pg_current_snapshot sf- pg_snapshot
pg_current_wal_flush_lsn vf- pg_lsn
pg_current_wal_insert_lsn vf- pg_lsn
pg_current_wal_lsn vf- pg_lsn
pg_current_xact_id sf- xid8
pg_current_xact_id_if_assigned sf- xid8
pg_cursor sfs record name:text,statement:text,is_holdable:bool,is_binary:bool,is_scrollable:bool,creation_time:timestamptz
pg_database_collation_actual_version vf- text
pg_database_size vf- int8
pg_dependencies_send sf- bytea
pg_describe_object sf- text
pg_drop_replication_slot vf- void
pg_encoding_max_length if- int4
pg_encoding_to_char sf- name
pg_event_trigger_ddl_commands sfs record classid:oid,objid:oid,objsubid:int4,command_tag:text,object_type:text,schema_name:text,object_identity:text,in_extension:bool,command:pg_ddl_command
pg_event_trigger_dropped_objects sfs record classid:oid,objid:oid,objsubid:int4,original:bool,normal:bool,is_temporary:bool,object_type:text,schema_name:text,object_name:text,object_identity:text,address_names:_text,address_args:_text
pg_event_trigger_table_rewrite_oid sf- oid oid:oid
pg_event_trigger_table_rewrite_reason sf- int4
pg_export_snapshot vf- text
pg_extension_config_dump vf- void
pg_extension_update_paths sfs record source:text,target:text,path:text
pg_filenode_relation sf- regclass
pg_function_is_visible sf- bool
pg_get_acl sf- _aclitem
pg_get_aios vfs record pid:int4,io_id:int4,io_generation:int8,state:text,operation:text,off:int8,length:int8,target:text,handle_data_len:int2,raw_result:int4,result:text,target_desc:text,f_sync:bool,f_localmem:bool,f_buffered:bool
pg_get_backend_memory_contexts vfs record name:text,ident:text,type:text,level:int4,path:_int4,total_bytes:int8,total_nblocks:int8,free_bytes:int8,free_chunks:int8,used_bytes:int8
pg_get_catalog_foreign_keys sfs record fktable:regclass,fkcols:_text,pktable:regclass,pkcols:_text,is_array:bool,is_opt:bool
pg_get_constraintdef sf- text
pg_get_expr sf- text
pg_get_function_arg_default sf- text
pg_get_function_arguments sf- text
pg_get_function_identity_arguments sf- text
pg_get_function_result sf- text
pg_get_function_sqlbody sf- text
pg_get_functiondef sf- text
pg_get_indexdef sf- text
pg_get_keywords sfs record word:text,catcode:char,barelabel:bool,catdesc:text,baredesc:text
pg_get_loaded_modules vfs record module_name:text,version:text,file_name:text
pg_get_multixact_members vfs record xid:xid,mode:text
pg_get_object_address sf- record classid:oid,objid:oid,objsubid:int4
pg_get_partition_constraintdef sf- text
pg_get_partkeydef sf- text
pg_get_publication_tables sfs record pubid:oid,relid:oid,attrs:int2vector,qual:pg_node_tree
pg_get_replica_identity_index sf- regclass
pg_get_replication_slots sfs record slot_name:name,plugin:name,slot_type:text,datoid:oid,temporary:bool,active:bool,active_pid:int4,xmin:xid,catalog_xmin:xid,restart_lsn:pg_lsn,confirmed_flush_lsn:pg_lsn,wal_status:text,safe_wal_size:int8,two_phase:bool,two_phase_at:pg_lsn,inactive_since:timestamptz,conflicting:bool,invalidation_reason:text,failover:bool,synced:bool
pg_get_ruledef sf- text
pg_get_sequence_data vf- record last_value:int8,is_called:bool
pg_get_serial_sequence sf- text
pg_get_shmem_allocations vfs record name:text,off:int8,size:int8,allocated_size:int8
pg_get_shmem_allocations_numa vfs record name:text,numa_node:int4,size:int8
pg_get_statisticsobjdef sf- text
pg_get_statisticsobjdef_columns sf- text
pg_get_statisticsobjdef_expressions sf- _text
pg_get_triggerdef sf- text
pg_get_userbyid sf- name
pg_get_viewdef sf- text
pg_get_wait_events vfs record type:text,name:text,description:text
pg_get_wal_replay_pause_state vf- text
pg_get_wal_resource_managers vfs record rm_id:int4,rm_name:text,rm_builtin:bool
pg_get_wal_summarizer_state vf- record summarized_tli:int8,summarized_lsn:pg_lsn,pending_lsn:pg_lsn,summarizer_pid:int4
pg_has_role sf- bool
pg_hba_file_rules vfs record rule_number:int4,file_name:text,line_number:int4,type:text,database:_text,user_name:_text,address:text,netmask:text,auth_method:text,options:_text,error:text
pg_ident_file_mappings vfs record map_number:int4,file_name:text,line_number:int4,map_name:text,sys_name:text,pg_username:text,error:text
pg_identify_object sf- record type:text,schema:text,name:text,identity:text
pg_identify_object_as_address sf- record type:text,object_names:_text,object_args:_text
pg_import_system_collations vf- int4
pg_index_column_has_property sf- bool
pg_index_has_property sf- bool
pg_indexam_has_property sf- bool
pg_indexam_progress_phasename if- text
pg_indexes_size vf- int8
pg_input_error_info sf- record message:text,detail:text,hint:text,sql_error_code:text
pg_input_is_valid sf- bool
pg_is_in_recovery vf- bool
pg_is_other_temp_schema sf- bool
pg_is_wal_replay_paused vf- bool
pg_isolation_test_session_is_blocked vf- bool
pg_jit_available vf- bool
pg_last_committed_xact vf- record xid:xid,timestamp:timestamptz,roident:oid
pg_last_wal_receive_lsn vf- pg_lsn
pg_last_wal_replay_lsn vf- pg_lsn
pg_last_xact_replay_timestamp vf- timestamptz
pg_listening_channels sfs text
pg_lock_status vfs record locktype:text,database:oid,relation:oid,page:int4,tuple:int2,virtualxid:text,transactionid:xid,classid:oid,objid:oid,objsubid:int2,virtualtransaction:text,pid:int4,mode:text,granted:bool,fastpath:bool,waitstart:timestamptz
pg_log_backend_memory_contexts vf- bool
pg_log_standby_snapshot vf- pg_lsn
pg_logical_emit_message vf- pg_lsn
pg_logical_slot_get_binary_changes vfs record lsn:pg_lsn,xid:xid,data:bytea
pg_logical_slot_get_changes vfs record lsn:pg_lsn,xid:xid,data:text
pg_logical_slot_peek_binary_changes vfs record lsn:pg_lsn,xid:xid,data:bytea
pg_logical_slot_peek_changes vfs record lsn:pg_lsn,xid:xid,data:text
pg_ls_archive_statusdir vfs record name:text,size:int8,modification:timestamptz
pg_ls_dir vfs text
pg_ls_logdir vfs record name:text,size:int8,modification:timestamptz
pg_ls_logicalmapdir vfs record name:text,size:int8,modification:timestamptz
pg_ls_logicalsnapdir vfs record name:text,size:int8,modification:timestamptz
pg_ls_replslotdir vfs record name:text,size:int8,modification:timestamptz
pg_ls_summariesdir vfs record name:text,size:int8,modification:timestamptz
pg_ls_tmpdir vfs record name:text,size:int8,modification:timestamptz
pg_ls_waldir vfs record name:text,size:int8,modification:timestamptz
pg_lsn if- pg_lsn
pg_lsn_cmp if- int4
pg_lsn_eq if- bool
pg_lsn_ge if- bool
pg_lsn_gt if- bool
pg_lsn_hash if- int4
pg_lsn_hash_extended if- int8
pg_lsn_larger if- pg_lsn
pg_lsn_le if- bool
pg_lsn_lt if- bool
pg_lsn_mi if- numeric
pg_lsn_mii if- pg_lsn
pg_lsn_ne if- bool
pg_lsn_pli if- pg_lsn
pg_lsn_send if- bytea
pg_lsn_smaller if- pg_lsn
pg_mcv_list_items sfs record index:int4,values:_text,nulls:_bool,frequency:float8,base_frequency:float8
pg_mcv_list_send sf- bytea
pg_my_temp_schema sf- oid
pg_ndistinct_send sf- bytea
pg_nextoid vf- oid
pg_node_tree_send sf- bytea
pg_notification_queue_usage vf- float8
pg_notify vf- void
pg_numa_available sf- bool
pg_opclass_is_visible sf- bool
pg_operator_is_visible sf- bool
pg_opfamily_is_visible sf- bool
pg_options_to_table sfs record option_name:text,option_value:text
pg_partition_ancestors vfs regclass relid:regclass
pg_partition_root if- regclass
pg_partition_tree vfs record relid:regclass,parentrelid:regclass,isleaf:bool,level:int4
pg_postmaster_start_time sf- timestamptz
pg_prepared_statement sfs record name:text,statement:text,prepare_time:timestamptz,parameter_types:_regtype,result_types:_regtype,from_sql:bool,generic_plans:int8,custom_plans:int8
pg_prepared_xact vfs record transaction:xid,gid:text,prepared:timestamptz,ownerid:oid,dbid:oid
pg_promote vf- bool
pg_read_binary_file vf- bytea
pg_read_file vf- text
pg_relation_filenode sf- oid
pg_relation_filepath sf- text
pg_relation_is_publishable sf- bool
pg_relation_is_updatable sf- int4
pg_relation_size vf- int8
pg_reload_conf vf- bool
pg_replication_origin_advance vf- void
pg_replication_origin_create vf- oid
pg_replication_origin_drop vf- void
pg_replication_origin_oid sf- oid
pg_replication_origin_progress vf- pg_lsn
pg_replication_origin_session_is_setup vf- bool
pg_replication_origin_session_progress vf- pg_lsn
pg_replication_origin_session_reset vf- void
pg_replication_origin_session_setup vf- void
pg_replication_origin_xact_reset vf- void
pg_replication_origin_xact_setup vf- void
pg_replication_slot_advance vf- record slot_name:name,end_lsn:pg_lsn
pg_restore_attribute_stats vf- bool
pg_restore_relation_stats vf- bool
pg_rotate_logfile vf- bool
pg_safe_snapshot_blocking_pids vf- _int4
pg_sequence_last_value vf- int8
pg_sequence_parameters sf- record start_value:int8,minimum_value:int8,maximum_value:int8,increment:int8,cycle_option:bool,cache_size:int8,data_type:oid
pg_settings_get_flags sf- _text
pg_show_all_file_settings vfs record sourcefile:text,sourceline:int4,seqno:int4,name:text,setting:text,applied:bool,error:text
pg_show_all_settings sfs record name:text,setting:text,unit:text,category:text,short_desc:text,extra_desc:text,context:text,vartype:text,source:text,min_val:text,max_val:text,enumvals:_text,boot_val:text,reset_val:text,sourcefile:text,sourceline:int4,pending_restart:bool
pg_show_replication_origin_status vfs record local_id:oid,external_id:text,remote_lsn:pg_lsn,local_lsn:pg_lsn
pg_size_bytes if- int8
pg_size_pretty if- text
pg_sleep vf- void
pg_sleep_for vf- void
pg_sleep_until vf- void
pg_snapshot_send if- bytea
pg_snapshot_xip ifs xid8
pg_snapshot_xmax if- xid8
pg_snapshot_xmin if- xid8
pg_split_walfile_name sf- record segment_number:numeric,timeline_id:int8
pg_stat_clear_snapshot vf- void
pg_stat_file vf- record size:int8,access:timestamptz,modification:timestamptz,change:timestamptz,creation:timestamptz,isdir:bool
pg_stat_force_next_flush vf- void
pg_stat_get_activity sfs record datid:oid,pid:int4,usesysid:oid,application_name:text,state:text,query:text,wait_event_type:text,wait_event:text,xact_start:timestamptz,query_start:timestamptz,backend_start:timestamptz,state_change:timestamptz,client_addr:inet,client_hostname:text,client_port:int4,backend_xid:xid,backend_xmin:xid,backend_type:text,ssl:bool,sslversion:text,sslcipher:text,sslbits:int4,ssl_client_dn:text,ssl_client_serial:numeric,ssl_issuer_dn:text,gss_auth:bool,gss_princ:text,gss_enc:bool,gss_delegation:bool,leader_pid:int4,query_id:int8
pg_stat_get_analyze_count sf- int8
pg_stat_get_archiver sf- record archived_count:int8,last_archived_wal:text,last_archived_time:timestamptz,failed_count:int8,last_failed_wal:text,last_failed_time:timestamptz,stats_reset:timestamptz
pg_stat_get_autoanalyze_count sf- int8
pg_stat_get_autovacuum_count sf- int8
pg_stat_get_backend_activity sf- text
pg_stat_get_backend_activity_start sf- timestamptz
pg_stat_get_backend_client_addr sf- inet
pg_stat_get_backend_client_port sf- int4
pg_stat_get_backend_dbid sf- oid
pg_stat_get_backend_idset sfs int4
pg_stat_get_backend_io vfs record backend_type:text,object:text,context:text,reads:int8,read_bytes:numeric,read_time:float8,writes:int8,write_bytes:numeric,write_time:float8,writebacks:int8,writeback_time:float8,extends:int8,extend_bytes:numeric,extend_time:float8,hits:int8,evictions:int8,reuses:int8,fsyncs:int8,fsync_time:float8,stats_reset:timestamptz
pg_stat_get_backend_pid sf- int4
pg_stat_get_backend_start sf- timestamptz
pg_stat_get_backend_subxact sf- record subxact_count:int4,subxact_overflowed:bool
pg_stat_get_backend_userid sf- oid
pg_stat_get_backend_wait_event sf- text
pg_stat_get_backend_wait_event_type sf- text
pg_stat_get_backend_wal vf- record wal_records:int8,wal_fpi:int8,wal_bytes:numeric,wal_buffers_full:int8,stats_reset:timestamptz
pg_stat_get_backend_xact_start sf- timestamptz
pg_stat_get_bgwriter_buf_written_clean sf- int8
pg_stat_get_bgwriter_maxwritten_clean sf- int8
pg_stat_get_bgwriter_stat_reset_time sf- timestamptz
pg_stat_get_blocks_fetched sf- int8
pg_stat_get_blocks_hit sf- int8
pg_stat_get_buf_alloc sf- int8
pg_stat_get_checkpointer_buffers_written sf- int8
pg_stat_get_checkpointer_num_performed sf- int8
pg_stat_get_checkpointer_num_requested sf- int8
pg_stat_get_checkpointer_num_timed sf- int8
pg_stat_get_checkpointer_restartpoints_performed sf- int8
pg_stat_get_checkpointer_restartpoints_requested sf- int8
pg_stat_get_checkpointer_restartpoints_timed sf- int8
pg_stat_get_checkpointer_slru_written sf- int8
pg_stat_get_checkpointer_stat_reset_time sf- timestamptz
pg_stat_get_checkpointer_sync_time sf- float8
pg_stat_get_checkpointer_write_time sf- float8
pg_stat_get_db_active_time sf- float8
pg_stat_get_db_blk_read_time sf- float8
pg_stat_get_db_blk_write_time sf- float8
pg_stat_get_db_blocks_fetched sf- int8
pg_stat_get_db_blocks_hit sf- int8
pg_stat_get_db_checksum_failures sf- int8
pg_stat_get_db_checksum_last_failure sf- timestamptz
pg_stat_get_db_conflict_all sf- int8
pg_stat_get_db_conflict_bufferpin sf- int8
pg_stat_get_db_conflict_lock sf- int8
pg_stat_get_db_conflict_logicalslot sf- int8
pg_stat_get_db_conflict_snapshot sf- int8
pg_stat_get_db_conflict_startup_deadlock sf- int8
pg_stat_get_db_conflict_tablespace sf- int8
pg_stat_get_db_deadlocks sf- int8
pg_stat_get_db_idle_in_transaction_time sf- float8
pg_stat_get_db_numbackends sf- int4
pg_stat_get_db_parallel_workers_launched sf- int8
pg_stat_get_db_parallel_workers_to_launch sf- int8
pg_stat_get_db_session_time sf- float8
pg_stat_get_db_sessions sf- int8
pg_stat_get_db_sessions_abandoned sf- int8
pg_stat_get_db_sessions_fatal sf- int8
pg_stat_get_db_sessions_killed sf- int8
pg_stat_get_db_stat_reset_time sf- timestamptz
pg_stat_get_db_temp_bytes sf- int8
pg_stat_get_db_temp_files sf- int8
pg_stat_get_db_tuples_deleted sf- int8
pg_stat_get_db_tuples_fetched sf- int8
pg_stat_get_db_tuples_inserted sf- int8
pg_stat_get_db_tuples_returned sf- int8
pg_stat_get_db_tuples_updated sf- int8
pg_stat_get_db_xact_commit sf- int8
pg_stat_get_db_xact_rollback sf- int8
pg_stat_get_dead_tuples sf- int8
pg_stat_get_function_calls sf- int8
pg_stat_get_function_self_time sf- float8
pg_stat_get_function_total_time sf- float8
pg_stat_get_ins_since_vacuum sf- int8
pg_stat_get_io vfs record backend_type:text,object:text,context:text,reads:int8,read_bytes:numeric,read_time:float8,writes:int8,write_bytes:numeric,write_time:float8,writebacks:int8,writeback_time:float8,extends:int8,extend_bytes:numeric,extend_time:float8,hits:int8,evictions:int8,reuses:int8,fsyncs:int8,fsync_time:float8,stats_reset:timestamptz
pg_stat_get_last_analyze_time sf- timestamptz
pg_stat_get_last_autoanalyze_time sf- timestamptz
pg_stat_get_last_autovacuum_time sf- timestamptz
pg_stat_get_last_vacuum_time sf- timestamptz
pg_stat_get_lastscan sf- timestamptz
pg_stat_get_live_tuples sf- int8
pg_stat_get_mod_since_analyze sf- int8
pg_stat_get_numscans sf- int8
pg_stat_get_progress_info sfs record pid:int4,datid:oid,relid:oid,param1:int8,param2:int8,param3:int8,param4:int8,param5:int8,param6:int8,param7:int8,param8:int8,param9:int8,param10:int8,param11:int8,param12:int8,param13:int8,param14:int8,param15:int8,param16:int8,param17:int8,param18:int8,param19:int8,param20:int8
pg_stat_get_recovery_prefetch vfs record stats_reset:timestamptz,prefetch:int8,hit:int8,skip_init:int8,skip_new:int8,skip_fpw:int8,skip_rep:int8,wal_distance:int4,block_distance:int4,io_depth:int4
pg_stat_get_replication_slot sf- record slot_name:text,spill_txns:int8,spill_count:int8,spill_bytes:int8,stream_txns:int8,stream_count:int8,stream_bytes:int8,total_txns:int8,total_bytes:int8,stats_reset:timestamptz
pg_stat_get_slru sfs record name:text,blks_zeroed:int8,blks_hit:int8,blks_read:int8,blks_written:int8,blks_exists:int8,flushes:int8,truncates:int8,stats_reset:timestamptz
pg_stat_get_snapshot_timestamp sf- timestamptz
pg_stat_get_subscription sfs record subid:oid,relid:oid,pid:int4,leader_pid:int4,received_lsn:pg_lsn,last_msg_send_time:timestamptz,last_msg_receipt_time:timestamptz,latest_end_lsn:pg_lsn,latest_end_time:timestamptz,worker_type:text
pg_stat_get_subscription_stats sf- record subid:oid,apply_error_count:int8,sync_error_count:int8,confl_insert_exists:int8,confl_update_origin_differs:int8,confl_update_exists:int8,confl_update_missing:int8,confl_delete_origin_differs:int8,confl_delete_missing:int8,confl_multiple_unique_conflicts:int8,stats_reset:timestamptz
pg_stat_get_total_analyze_time sf- float8
pg_stat_get_total_autoanalyze_time sf- float8
pg_stat_get_total_autovacuum_time sf- float8
pg_stat_get_total_vacuum_time sf- float8
pg_stat_get_tuples_deleted sf- int8
pg_stat_get_tuples_fetched sf- int8
pg_stat_get_tuples_hot_updated sf- int8
pg_stat_get_tuples_inserted sf- int8
pg_stat_get_tuples_newpage_updated sf- int8
pg_stat_get_tuples_returned sf- int8
pg_stat_get_tuples_updated sf- int8
pg_stat_get_vacuum_count sf- int8
pg_stat_get_wal sf- record wal_records:int8,wal_fpi:int8,wal_bytes:numeric,wal_buffers_full:int8,stats_reset:timestamptz
pg_stat_get_wal_receiver sf- record pid:int4,status:text,receive_start_lsn:pg_lsn,receive_start_tli:int4,written_lsn:pg_lsn,flushed_lsn:pg_lsn,received_tli:int4,last_msg_send_time:timestamptz,last_msg_receipt_time:timestamptz,latest_end_lsn:pg_lsn,latest_end_time:timestamptz,slot_name:text,sender_host:text,sender_port:int4,conninfo:text
pg_stat_get_wal_senders sfs record pid:int4,state:text,sent_lsn:pg_lsn,write_lsn:pg_lsn,flush_lsn:pg_lsn,replay_lsn:pg_lsn,write_lag:interval,flush_lag:interval,replay_lag:interval,sync_priority:int4,sync_state:text,reply_time:timestamptz
pg_stat_get_xact_blocks_fetched vf- int8
pg_stat_get_xact_blocks_hit vf- int8
pg_stat_get_xact_function_calls vf- int8
pg_stat_get_xact_function_self_time vf- float8
pg_stat_get_xact_function_total_time vf- float8
pg_stat_get_xact_numscans vf- int8
pg_stat_get_xact_tuples_deleted vf- int8
pg_stat_get_xact_tuples_fetched vf- int8
pg_stat_get_xact_tuples_hot_updated vf- int8
pg_stat_get_xact_tuples_inserted vf- int8
pg_stat_get_xact_tuples_newpage_updated vf- int8
pg_stat_get_xact_tuples_returned vf- int8
pg_stat_get_xact_tuples_updated vf- int8
pg_stat_have_stats vf- bool
pg_stat_reset vf- void
pg_stat_reset_backend_stats vf- void
pg_stat_reset_replication_slot vf- void
pg_stat_reset_shared vf- void
pg_stat_reset_single_function_counters vf- void
pg_stat_reset_single_table_counters vf- void
pg_stat_reset_slru vf- void
pg_stat_reset_subscription_stats vf- void
pg_statistics_obj_is_visible sf- bool
pg_stop_making_pinned_objects vf- void
pg_switch_wal vf- pg_lsn
pg_sync_replication_slots vf- void
pg_table_is_visible sf- bool
pg_table_size vf- int8
pg_tablespace_databases sfs oid
pg_tablespace_location sf- text
pg_tablespace_size vf- int8
pg_terminate_backend vf- bool
pg_timezone_abbrevs_abbrevs sfs record abbrev:text,utc_offset:interval,is_dst:bool
pg_timezone_abbrevs_zone sfs record abbrev:text,utc_offset:interval,is_dst:bool
pg_timezone_names sfs record name:text,abbrev:text,utc_offset:interval,is_dst:bool
pg_total_relation_size vf- int8
pg_trigger_depth sf- int4
pg_try_advisory_lock vf- bool
pg_try_advisory_lock_shared vf- bool
pg_try_advisory_xact_lock vf- bool
pg_try_advisory_xact_lock_shared vf- bool
pg_ts_config_is_visible sf- bool
pg_ts_dict_is_visible sf- bool
pg_ts_parser_is_visible sf- bool
pg_ts_template_is_visible sf- bool
pg_type_is_visible sf- bool
pg_typeof sf- regtype
pg_visible_in_snapshot if- bool
pg_wal_lsn_diff if- numeric
pg_wal_replay_pause vf- void
pg_wal_replay_resume vf- void
pg_wal_summary_contents vfs record relfilenode:oid,reltablespace:oid,reldatabase:oid,relforknumber:int2,relblocknumber:int8,is_limit_block:bool
pg_walfile_name if- text
pg_walfile_name_offset if- record file_name:text,file_offset:int4
pg_xact_commit_timestamp vf- timestamptz
pg_xact_commit_timestamp_origin vf- record timestamp:timestamptz,roident:oid
pg_xact_status vf- text
phraseto_tsquery sf- tsquery
pi if- float8
plainto_tsquery sf- tsquery
point if- point
point_above if- bool
point_add if- point
point_below if- bool
point_distance if- float8
point_div if- point
point_eq if- bool
point_horiz if- bool
point_left if- bool
point_mul if- point
point_ne if- bool
point_right if- bool
point_send if- bytea
point_sub if- point
point_vert if- bool
poly_above if- bool
poly_below if- bool
poly_center if- point
poly_contain if- bool
poly_contain_pt if- bool
poly_contained if- bool
poly_distance if- float8
poly_left if- bool
poly_npoints if- int4
poly_overabove if- bool
poly_overbelow if- bool
poly_overlap if- bool
poly_overleft if- bool
poly_overright if- bool
poly_right if- bool
poly_same if- bool
poly_send if- bytea
polygon if- polygon
popen if- path
position if- int4
postgresql_fdw_validator if- bool
pow if- -
power if- -
pt_contained_circle if- bool
pt_contained_poly if- bool
query_to_xml vf- xml
query_to_xml_and_xmlschema vf- xml
query_to_xmlschema vf- xml
querytree if- text
quote_ident if- text
quote_literal sf- text
quote_nullable sf- text
radians if- float8
radius if- float8
random vf- -
random_normal vf- float8
range_adjacent if- bool
range_adjacent_multirange if- bool
range_after if- bool
range_after_multirange if- bool
range_agg ia- anymultirange
range_before if- bool
range_before_multirange if- bool
range_cmp if- int4
range_contained_by if- bool
range_contained_by_multirange if- bool
range_contains if- bool
range_contains_elem if- bool
range_contains_multirange if- bool
range_eq if- bool
range_ge if- bool
range_gt if- bool
range_intersect if- anyrange
range_intersect_agg ia- -
range_intersect_agg_transfn if- anyrange
range_le if- bool
range_lt if- bool
range_merge if- anyrange
range_minus if- anyrange
range_ne if- bool
range_overlaps if- bool
range_overlaps_multirange if- bool
range_overleft if- bool
range_overleft_multirange if- bool
range_overright if- bool
range_overright_multirange if- bool
range_send sf- bytea
range_union if- anyrange
rank iw- int8
record_eq if- bool
record_ge if- bool
record_gt if- bool
record_image_eq if- bool
record_image_ge if- bool
record_image_gt if- bool
record_image_le if- bool
record_image_lt if- bool
record_image_ne if- bool
record_larger if- record
record_le if- bool
record_lt if- bool
record_ne if- bool
record_send sf- bytea
record_smaller if- record
regclass sf- regclass
regclasssend if- bytea
regcollationsend if- bytea
regconfigsend if- bytea
regdictionarysend if- bytea
regexp_count if- int4
regexp_instr if- int4
regexp_like if- bool
regexp_match if- _text
regexp_matches ifs _text
regexp_replace if- text
regexp_split_to_array if- _text
regexp_split_to_table ifs text
regexp_substr if- text
regnamespacesend if- bytea
regoperatorsend if- bytea
regopersend if- bytea
regproceduresend if- bytea
regprocsend if- bytea
regr_avgx ia- float8
regr_avgy ia- float8
regr_count ia- int8
regr_intercept ia- float8
regr_r2 ia- float8
regr_slope ia- float8
regr_sxx ia- float8
regr_sxy ia- float8
regr_syy ia- float8
regrolesend if- bytea
regtypesend if- bytea
repeat if- text
replace if- text
reverse if- -
right if- text
round if- -
row_number iw- int8
row_security_active sf- bool
row_to_json sf- json
rpad if- text
rtrim if- -
satisfies_hash_partition if- bool
scale if- int4
schema_to_xml sf- xml
schema_to_xml_and_xmlschema sf- xml
schema_to_xmlschema sf- xml
session_user sf- name
set_bit if- -
set_byte if- bytea
set_config vf- text
set_masklen if- -
setseed vf- void
setval vf- int8
setweight if- tsvector
sha224 if- bytea
sha256 if- bytea
sha384 if- bytea
sha512 if- bytea
shobj_description sf- text
sign if- -
similar_escape if- text
similar_to_escape if- text
sin if- float8
sind if- float8
sinh if- float8
slope if- float8
spg_poly_quad_compress if- box
split_part if- text
sqrt if- -
starts_with if- bool
statement_timestamp sf- timestamptz
stddev ia- -
stddev_pop ia- -
stddev_samp ia- -
string_agg ia- -
string_to_array if- _text
string_to_table ifs text
strip if- tsvector
strpos if- int4
substr if- -
substring if- -
sum ia- -
system_user sf- text
table_to_xml sf- xml
table_to_xml_and_xmlschema sf- xml
table_to_xmlschema sf- xml
tan if- float8
tand if- float8
tanh if- float8
text if- text
text_ge if- bool
text_gt if- bool
text_larger if- text
text_le if- bool
text_lt if- bool
text_pattern_ge if- bool
text_pattern_gt if- bool
text_pattern_le if- bool
text_pattern_lt if- bool
text_smaller if- text
textanycat sf- text
textcat if- text
texteq if- bool
texteqname if- bool
textgename if- bool
textgtname if- bool
texticlike if- bool
texticnlike if- bool
texticregexeq if- bool
texticregexne if- bool
textlen if- int4
textlename if- bool
textlike if- bool
textltname if- bool
textne if- bool
textnename if- bool
textnlike if- bool
textregexeq if- bool
textregexne if- bool
textsend sf- bytea
tideq if- bool
tidge if- bool
tidgt if- bool
tidlarger if- tid
tidle if- bool
tidlt if- bool
tidne if- bool
tidsend if- bytea
tidsmaller if- tid
time sf- time
time_cmp if- int4
time_eq if- bool
time_ge if- bool
time_gt if- bool
time_hash if- int4
time_hash_extended if- int8
time_larger if- time
time_le if- bool
time_lt if- bool
time_mi_interval if- time
time_mi_time if- interval
time_ne if- bool
time_pl_interval if- time
time_send if- bytea
time_smaller if- time
timedate_pl if- timestamp
timeofday vf- text
timestamp sf- timestamp
timestamp_cmp if- int4
timestamp_cmp_date if- int4
timestamp_cmp_timestamptz sf- int4
timestamp_eq if- bool
timestamp_eq_date if- bool
timestamp_eq_timestamptz sf- bool
timestamp_ge if- bool
timestamp_ge_date if- bool
timestamp_ge_timestamptz sf- bool
timestamp_gt if- bool
timestamp_gt_date if- bool
timestamp_gt_timestamptz sf- bool
timestamp_hash if- int4
timestamp_hash_extended if- int8
timestamp_larger if- timestamp
timestamp_le if- bool
timestamp_le_date if- bool
timestamp_le_timestamptz sf- bool
timestamp_lt if- bool
timestamp_lt_date if- bool
timestamp_lt_timestamptz sf- bool
timestamp_mi if- interval
timestamp_mi_interval if- timestamp
timestamp_ne if- bool
timestamp_ne_date if- bool
timestamp_ne_timestamptz sf- bool
timestamp_pl_interval if- timestamp
timestamp_send if- bytea
timestamp_smaller if- timestamp
timestamptypmodin if- int4
timestamptz sf- timestamptz
timestamptz_cmp if- int4
timestamptz_cmp_date sf- int4
timestamptz_cmp_timestamp sf- int4
timestamptz_eq if- bool
timestamptz_eq_date sf- bool
timestamptz_eq_timestamp sf- bool
timestamptz_ge if- bool
timestamptz_ge_date sf- bool
timestamptz_ge_timestamp sf- bool
timestamptz_gt if- bool
timestamptz_gt_date sf- bool
timestamptz_gt_timestamp sf- bool
timestamptz_hash if- int4
timestamptz_hash_extended if- int8
timestamptz_larger if- timestamptz
timestamptz_le if- bool
timestamptz_le_date sf- bool
timestamptz_le_timestamp sf- bool
timestamptz_lt if- bool
timestamptz_lt_date sf- bool
timestamptz_lt_timestamp sf- bool
timestamptz_mi if- interval
timestamptz_mi_interval sf- timestamptz
timestamptz_ne if- bool
timestamptz_ne_date sf- bool
timestamptz_ne_timestamp sf- bool
timestamptz_pl_interval sf- timestamptz
timestamptz_send if- bytea
timestamptz_smaller if- timestamptz
timestamptztypmodin if- int4
timetypmodin if- int4
timetz sf- timetz
timetz_cmp if- int4
timetz_eq if- bool
timetz_ge if- bool
timetz_gt if- bool
timetz_hash if- int4
timetz_hash_extended if- int8
timetz_larger if- timetz
timetz_le if- bool
timetz_lt if- bool
timetz_mi_interval if- timetz
timetz_ne if- bool
timetz_pl_interval if- timetz
timetz_send if- bytea
timetz_smaller if- timetz
timetzdate_pl if- timestamptz
timetztypmodin if- int4
timezone sf- -
to_ascii if- text
to_bin if- text
to_char sf- text
to_date sf- date
to_hex if- text
to_json sf- json
to_jsonb sf- jsonb
to_number sf- numeric
to_oct if- text
to_regclass sf- regclass
to_regcollation sf- regcollation
to_regnamespace sf- regnamespace
to_regoper sf- regoper
to_regoperator sf- regoperator
to_regproc sf- regproc
to_regprocedure sf- regprocedure
to_regrole sf- regrole
to_regtype sf- regtype
to_regtypemod sf- int4
to_timestamp sf- timestamptz
to_tsquery sf- tsquery
to_tsvector sf- tsvector
transaction_timestamp sf- timestamptz
translate if- text
trim_array if- anyarray
trim_scale if- numeric
trunc if- -
ts_debug sfs record alias:text,description:text,token:text,dictionaries:_regdictionary,dictionary:regdictionary,lexemes:_text
ts_delete if- tsvector
ts_filter if- tsvector
ts_headline sf- -
ts_lexize if- _text
ts_match_qv if- bool
ts_match_tq sf- bool
ts_match_tt sf- bool
ts_match_vq if- bool
ts_parse sfs record tokid:int4,token:text
ts_rank if- float4
ts_rank_cd if- float4
ts_rewrite vf- tsquery
ts_stat vfs record word:text,ndoc:int4,nentry:int4
ts_token_type sfs record tokid:int4,alias:text,description:text
tsmultirange if- tsmultirange
tsq_mcontained if- bool
tsq_mcontains if- bool
tsquery_and if- tsquery
tsquery_cmp if- int4
tsquery_eq if- bool
tsquery_ge if- bool
tsquery_gt if- bool
tsquery_le if- bool
tsquery_lt if- bool
tsquery_ne if- bool
tsquery_not if- tsquery
tsquery_or if- tsquery
tsquery_phrase if- tsquery
tsquerysend if- bytea
tsrange if- tsrange
tsrange_subdiff if- float8
tstzmultirange if- tstzmultirange
tstzrange if- tstzrange
tstzrange_subdiff if- float8
tsvector_cmp if- int4
tsvector_concat if- tsvector
tsvector_eq if- bool
tsvector_ge if- bool
tsvector_gt if- bool
tsvector_le if- bool
tsvector_lt if- bool
tsvector_ne if- bool
tsvector_to_array if- _text
tsvectorsend if- bytea
txid_current sf- int8
txid_current_if_assigned sf- int8
txid_current_snapshot sf- txid_snapshot
txid_snapshot_send if- bytea
txid_snapshot_xip ifs int8
txid_snapshot_xmax if- int8
txid_snapshot_xmin if- int8
txid_status vf- text
txid_visible_in_snapshot if- bool
unicode_assigned if- bool
unicode_version if- text
unistr if- text
unknownsend if- bytea
unnest ifs - lexeme:text,positions:_int2,weights:_text
upper if- -
upper_inc if- bool
upper_inf if- bool
uuid_cmp if- int4
uuid_eq if- bool
uuid_extract_timestamp if- timestamptz
uuid_extract_version if- int2
uuid_ge if- bool
uuid_gt if- bool
uuid_hash if- int4
uuid_hash_extended if- int8
uuid_le if- bool
uuid_lt if- bool
uuid_ne if- bool
uuid_send if- bytea
uuidv4 vf- uuid
uuidv7 vf- uuid
var_pop ia- -
var_samp ia- -
varbit if- varbit
varbit_send if- bytea
varbitcmp if- int4
varbiteq if- bool
varbitge if- bool
varbitgt if- bool
varbitle if- bool
varbitlt if- bool
varbitne if- bool
varbittypmodin if- int4
varchar if- varchar
varcharsend sf- bytea
varchartypmodin if- int4
variance ia- -
version sf- text
void_send if- bytea
websearch_to_tsquery sf- tsquery
width if- float8
width_bucket if- int4
xid if- xid
xid8_larger if- xid8
xid8_smaller if- xid8
xid8cmp if- int4
xid8eq if- bool
xid8ge if- bool
xid8gt if- bool
xid8le if- bool
xid8lt if- bool
xid8ne if- bool
xid8send if- bytea
xideq if- bool
xideqint4 if- bool
xidneq if- bool
xidneqint4 if- bool
xidsend if- bytea
xml sf- xml
xml_is_well_formed sf- bool
xml_is_well_formed_content if- bool
xml_is_well_formed_document if- bool
xml_send sf- bytea
xmlagg ia- xml
xmlcomment if- xml
xmlconcat2 if- xml
xmlexists if- bool
xmltext if- xml
xmlvalidate if- bool
xpath if- _xml
xpath_exists if- bool
`

/** name, then columns with types. */
export const systemRelations = String.raw`
information_schema._pg_foreign_data_wrappers oid:oid,fdwowner:oid,fdwoptions:_text,foreign_data_wrapper_catalog:information_schema.sql_identifier,foreign_data_wrapper_name:information_schema.sql_identifier,authorization_identifier:information_schema.sql_identifier,foreign_data_wrapper_language:information_schema.character_data
information_schema._pg_foreign_servers oid:oid,srvoptions:_text,foreign_server_catalog:information_schema.sql_identifier,foreign_server_name:information_schema.sql_identifier,foreign_data_wrapper_catalog:information_schema.sql_identifier,foreign_data_wrapper_name:information_schema.sql_identifier,foreign_server_type:information_schema.character_data,foreign_server_version:information_schema.character_data,authorization_identifier:information_schema.sql_identifier
information_schema._pg_foreign_table_columns nspname:name,relname:name,attname:name,attfdwoptions:_text
information_schema._pg_foreign_tables foreign_table_catalog:information_schema.sql_identifier,foreign_table_schema:information_schema.sql_identifier,foreign_table_name:information_schema.sql_identifier,ftoptions:_text,foreign_server_catalog:information_schema.sql_identifier,foreign_server_name:information_schema.sql_identifier,authorization_identifier:information_schema.sql_identifier
information_schema._pg_user_mappings oid:oid,umoptions:_text,umuser:oid,authorization_identifier:information_schema.sql_identifier,foreign_server_catalog:information_schema.sql_identifier,foreign_server_name:information_schema.sql_identifier,srvowner:information_schema.sql_identifier
information_schema.administrable_role_authorizations grantee:information_schema.sql_identifier,role_name:information_schema.sql_identifier,is_grantable:information_schema.yes_or_no
information_schema.applicable_roles grantee:information_schema.sql_identifier,role_name:information_schema.sql_identifier,is_grantable:information_schema.yes_or_no
information_schema.attributes udt_catalog:information_schema.sql_identifier,udt_schema:information_schema.sql_identifier,udt_name:information_schema.sql_identifier,attribute_name:information_schema.sql_identifier,ordinal_position:information_schema.cardinal_number,attribute_default:information_schema.character_data,is_nullable:information_schema.yes_or_no,data_type:information_schema.character_data,character_maximum_length:information_schema.cardinal_number,character_octet_length:information_schema.cardinal_number,character_set_catalog:information_schema.sql_identifier,character_set_schema:information_schema.sql_identifier,character_set_name:information_schema.sql_identifier,collation_catalog:information_schema.sql_identifier,collation_schema:information_schema.sql_identifier,collation_name:information_schema.sql_identifier,numeric_precision:information_schema.cardinal_number,numeric_precision_radix:information_schema.cardinal_number,numeric_scale:information_schema.cardinal_number,datetime_precision:information_schema.cardinal_number,interval_type:information_schema.character_data,interval_precision:information_schema.cardinal_number,attribute_udt_catalog:information_schema.sql_identifier,attribute_udt_schema:information_schema.sql_identifier,attribute_udt_name:information_schema.sql_identifier,scope_catalog:information_schema.sql_identifier,scope_schema:information_schema.sql_identifier,scope_name:information_schema.sql_identifier,maximum_cardinality:information_schema.cardinal_number,dtd_identifier:information_schema.sql_identifier,is_derived_reference_attribute:information_schema.yes_or_no
information_schema.character_sets character_set_catalog:information_schema.sql_identifier,character_set_schema:information_schema.sql_identifier,character_set_name:information_schema.sql_identifier,character_repertoire:information_schema.sql_identifier,form_of_use:information_schema.sql_identifier,default_collate_catalog:information_schema.sql_identifier,default_collate_schema:information_schema.sql_identifier,default_collate_name:information_schema.sql_identifier
information_schema.check_constraint_routine_usage constraint_catalog:information_schema.sql_identifier,constraint_schema:information_schema.sql_identifier,constraint_name:information_schema.sql_identifier,specific_catalog:information_schema.sql_identifier,specific_schema:information_schema.sql_identifier,specific_name:information_schema.sql_identifier
information_schema.check_constraints constraint_catalog:information_schema.sql_identifier,constraint_schema:information_schema.sql_identifier,constraint_name:information_schema.sql_identifier,check_clause:information_schema.character_data
information_schema.collation_character_set_applicability collation_catalog:information_schema.sql_identifier,collation_schema:information_schema.sql_identifier,collation_name:information_schema.sql_identifier,character_set_catalog:information_schema.sql_identifier,character_set_schema:information_schema.sql_identifier,character_set_name:information_schema.sql_identifier
information_schema.collations collation_catalog:information_schema.sql_identifier,collation_schema:information_schema.sql_identifier,collation_name:information_schema.sql_identifier,pad_attribute:information_schema.character_data
information_schema.column_column_usage table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,column_name:information_schema.sql_identifier,dependent_column:information_schema.sql_identifier
information_schema.column_domain_usage domain_catalog:information_schema.sql_identifier,domain_schema:information_schema.sql_identifier,domain_name:information_schema.sql_identifier,table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,column_name:information_schema.sql_identifier
information_schema.column_options table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,column_name:information_schema.sql_identifier,option_name:information_schema.sql_identifier,option_value:information_schema.character_data
information_schema.column_privileges grantor:information_schema.sql_identifier,grantee:information_schema.sql_identifier,table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,column_name:information_schema.sql_identifier,privilege_type:information_schema.character_data,is_grantable:information_schema.yes_or_no
information_schema.column_udt_usage udt_catalog:information_schema.sql_identifier,udt_schema:information_schema.sql_identifier,udt_name:information_schema.sql_identifier,table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,column_name:information_schema.sql_identifier
information_schema.columns table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,column_name:information_schema.sql_identifier,ordinal_position:information_schema.cardinal_number,column_default:information_schema.character_data,is_nullable:information_schema.yes_or_no,data_type:information_schema.character_data,character_maximum_length:information_schema.cardinal_number,character_octet_length:information_schema.cardinal_number,numeric_precision:information_schema.cardinal_number,numeric_precision_radix:information_schema.cardinal_number,numeric_scale:information_schema.cardinal_number,datetime_precision:information_schema.cardinal_number,interval_type:information_schema.character_data,interval_precision:information_schema.cardinal_number,character_set_catalog:information_schema.sql_identifier,character_set_schema:information_schema.sql_identifier,character_set_name:information_schema.sql_identifier,collation_catalog:information_schema.sql_identifier,collation_schema:information_schema.sql_identifier,collation_name:information_schema.sql_identifier,domain_catalog:information_schema.sql_identifier,domain_schema:information_schema.sql_identifier,domain_name:information_schema.sql_identifier,udt_catalog:information_schema.sql_identifier,udt_schema:information_schema.sql_identifier,udt_name:information_schema.sql_identifier,scope_catalog:information_schema.sql_identifier,scope_schema:information_schema.sql_identifier,scope_name:information_schema.sql_identifier,maximum_cardinality:information_schema.cardinal_number,dtd_identifier:information_schema.sql_identifier,is_self_referencing:information_schema.yes_or_no,is_identity:information_schema.yes_or_no,identity_generation:information_schema.character_data,identity_start:information_schema.character_data,identity_increment:information_schema.character_data,identity_maximum:information_schema.character_data,identity_minimum:information_schema.character_data,identity_cycle:information_schema.yes_or_no,is_generated:information_schema.character_data,generation_expression:information_schema.character_data,is_updatable:information_schema.yes_or_no
information_schema.constraint_column_usage table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,column_name:information_schema.sql_identifier,constraint_catalog:information_schema.sql_identifier,constraint_schema:information_schema.sql_identifier,constraint_name:information_schema.sql_identifier
information_schema.constraint_table_usage table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,constraint_catalog:information_schema.sql_identifier,constraint_schema:information_schema.sql_identifier,constraint_name:information_schema.sql_identifier
information_schema.data_type_privileges object_catalog:information_schema.sql_identifier,object_schema:information_schema.sql_identifier,object_name:information_schema.sql_identifier,object_type:information_schema.character_data,dtd_identifier:information_schema.sql_identifier
information_schema.domain_constraints constraint_catalog:information_schema.sql_identifier,constraint_schema:information_schema.sql_identifier,constraint_name:information_schema.sql_identifier,domain_catalog:information_schema.sql_identifier,domain_schema:information_schema.sql_identifier,domain_name:information_schema.sql_identifier,is_deferrable:information_schema.yes_or_no,initially_deferred:information_schema.yes_or_no
information_schema.domain_udt_usage udt_catalog:information_schema.sql_identifier,udt_schema:information_schema.sql_identifier,udt_name:information_schema.sql_identifier,domain_catalog:information_schema.sql_identifier,domain_schema:information_schema.sql_identifier,domain_name:information_schema.sql_identifier
information_schema.domains domain_catalog:information_schema.sql_identifier,domain_schema:information_schema.sql_identifier,domain_name:information_schema.sql_identifier,data_type:information_schema.character_data,character_maximum_length:information_schema.cardinal_number,character_octet_length:information_schema.cardinal_number,character_set_catalog:information_schema.sql_identifier,character_set_schema:information_schema.sql_identifier,character_set_name:information_schema.sql_identifier,collation_catalog:information_schema.sql_identifier,collation_schema:information_schema.sql_identifier,collation_name:information_schema.sql_identifier,numeric_precision:information_schema.cardinal_number,numeric_precision_radix:information_schema.cardinal_number,numeric_scale:information_schema.cardinal_number,datetime_precision:information_schema.cardinal_number,interval_type:information_schema.character_data,interval_precision:information_schema.cardinal_number,domain_default:information_schema.character_data,udt_catalog:information_schema.sql_identifier,udt_schema:information_schema.sql_identifier,udt_name:information_schema.sql_identifier,scope_catalog:information_schema.sql_identifier,scope_schema:information_schema.sql_identifier,scope_name:information_schema.sql_identifier,maximum_cardinality:information_schema.cardinal_number,dtd_identifier:information_schema.sql_identifier
information_schema.element_types object_catalog:information_schema.sql_identifier,object_schema:information_schema.sql_identifier,object_name:information_schema.sql_identifier,object_type:information_schema.character_data,collection_type_identifier:information_schema.sql_identifier,data_type:information_schema.character_data,character_maximum_length:information_schema.cardinal_number,character_octet_length:information_schema.cardinal_number,character_set_catalog:information_schema.sql_identifier,character_set_schema:information_schema.sql_identifier,character_set_name:information_schema.sql_identifier,collation_catalog:information_schema.sql_identifier,collation_schema:information_schema.sql_identifier,collation_name:information_schema.sql_identifier,numeric_precision:information_schema.cardinal_number,numeric_precision_radix:information_schema.cardinal_number,numeric_scale:information_schema.cardinal_number,datetime_precision:information_schema.cardinal_number,interval_type:information_schema.character_data,interval_precision:information_schema.cardinal_number,udt_catalog:information_schema.sql_identifier,udt_schema:information_schema.sql_identifier,udt_name:information_schema.sql_identifier,scope_catalog:information_schema.sql_identifier,scope_schema:information_schema.sql_identifier,scope_name:information_schema.sql_identifier,maximum_cardinality:information_schema.cardinal_number,dtd_identifier:information_schema.sql_identifier
information_schema.enabled_roles role_name:information_schema.sql_identifier
information_schema.foreign_data_wrapper_options foreign_data_wrapper_catalog:information_schema.sql_identifier,foreign_data_wrapper_name:information_schema.sql_identifier,option_name:information_schema.sql_identifier,option_value:information_schema.character_data
information_schema.foreign_data_wrappers foreign_data_wrapper_catalog:information_schema.sql_identifier,foreign_data_wrapper_name:information_schema.sql_identifier,authorization_identifier:information_schema.sql_identifier,library_name:information_schema.character_data,foreign_data_wrapper_language:information_schema.character_data
information_schema.foreign_server_options foreign_server_catalog:information_schema.sql_identifier,foreign_server_name:information_schema.sql_identifier,option_name:information_schema.sql_identifier,option_value:information_schema.character_data
information_schema.foreign_servers foreign_server_catalog:information_schema.sql_identifier,foreign_server_name:information_schema.sql_identifier,foreign_data_wrapper_catalog:information_schema.sql_identifier,foreign_data_wrapper_name:information_schema.sql_identifier,foreign_server_type:information_schema.character_data,foreign_server_version:information_schema.character_data,authorization_identifier:information_schema.sql_identifier
information_schema.foreign_table_options foreign_table_catalog:information_schema.sql_identifier,foreign_table_schema:information_schema.sql_identifier,foreign_table_name:information_schema.sql_identifier,option_name:information_schema.sql_identifier,option_value:information_schema.character_data
information_schema.foreign_tables foreign_table_catalog:information_schema.sql_identifier,foreign_table_schema:information_schema.sql_identifier,foreign_table_name:information_schema.sql_identifier,foreign_server_catalog:information_schema.sql_identifier,foreign_server_name:information_schema.sql_identifier
information_schema.information_schema_catalog_name catalog_name:information_schema.sql_identifier
information_schema.key_column_usage constraint_catalog:information_schema.sql_identifier,constraint_schema:information_schema.sql_identifier,constraint_name:information_schema.sql_identifier,table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,column_name:information_schema.sql_identifier,ordinal_position:information_schema.cardinal_number,position_in_unique_constraint:information_schema.cardinal_number
information_schema.parameters specific_catalog:information_schema.sql_identifier,specific_schema:information_schema.sql_identifier,specific_name:information_schema.sql_identifier,ordinal_position:information_schema.cardinal_number,parameter_mode:information_schema.character_data,is_result:information_schema.yes_or_no,as_locator:information_schema.yes_or_no,parameter_name:information_schema.sql_identifier,data_type:information_schema.character_data,character_maximum_length:information_schema.cardinal_number,character_octet_length:information_schema.cardinal_number,character_set_catalog:information_schema.sql_identifier,character_set_schema:information_schema.sql_identifier,character_set_name:information_schema.sql_identifier,collation_catalog:information_schema.sql_identifier,collation_schema:information_schema.sql_identifier,collation_name:information_schema.sql_identifier,numeric_precision:information_schema.cardinal_number,numeric_precision_radix:information_schema.cardinal_number,numeric_scale:information_schema.cardinal_number,datetime_precision:information_schema.cardinal_number,interval_type:information_schema.character_data,interval_precision:information_schema.cardinal_number,udt_catalog:information_schema.sql_identifier,udt_schema:information_schema.sql_identifier,udt_name:information_schema.sql_identifier,scope_catalog:information_schema.sql_identifier,scope_schema:information_schema.sql_identifier,scope_name:information_schema.sql_identifier,maximum_cardinality:information_schema.cardinal_number,dtd_identifier:information_schema.sql_identifier,parameter_default:information_schema.character_data
information_schema.referential_constraints constraint_catalog:information_schema.sql_identifier,constraint_schema:information_schema.sql_identifier,constraint_name:information_schema.sql_identifier,unique_constraint_catalog:information_schema.sql_identifier,unique_constraint_schema:information_schema.sql_identifier,unique_constraint_name:information_schema.sql_identifier,match_option:information_schema.character_data,update_rule:information_schema.character_data,delete_rule:information_schema.character_data
information_schema.role_column_grants grantor:information_schema.sql_identifier,grantee:information_schema.sql_identifier,table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,column_name:information_schema.sql_identifier,privilege_type:information_schema.character_data,is_grantable:information_schema.yes_or_no
information_schema.role_routine_grants grantor:information_schema.sql_identifier,grantee:information_schema.sql_identifier,specific_catalog:information_schema.sql_identifier,specific_schema:information_schema.sql_identifier,specific_name:information_schema.sql_identifier,routine_catalog:information_schema.sql_identifier,routine_schema:information_schema.sql_identifier,routine_name:information_schema.sql_identifier,privilege_type:information_schema.character_data,is_grantable:information_schema.yes_or_no
information_schema.role_table_grants grantor:information_schema.sql_identifier,grantee:information_schema.sql_identifier,table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,privilege_type:information_schema.character_data,is_grantable:information_schema.yes_or_no,with_hierarchy:information_schema.yes_or_no
information_schema.role_udt_grants grantor:information_schema.sql_identifier,grantee:information_schema.sql_identifier,udt_catalog:information_schema.sql_identifier,udt_schema:information_schema.sql_identifier,udt_name:information_schema.sql_identifier,privilege_type:information_schema.character_data,is_grantable:information_schema.yes_or_no
information_schema.role_usage_grants grantor:information_schema.sql_identifier,grantee:information_schema.sql_identifier,object_catalog:information_schema.sql_identifier,object_schema:information_schema.sql_identifier,object_name:information_schema.sql_identifier,object_type:information_schema.character_data,privilege_type:information_schema.character_data,is_grantable:information_schema.yes_or_no
information_schema.routine_column_usage specific_catalog:information_schema.sql_identifier,specific_schema:information_schema.sql_identifier,specific_name:information_schema.sql_identifier,routine_catalog:information_schema.sql_identifier,routine_schema:information_schema.sql_identifier,routine_name:information_schema.sql_identifier,table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,column_name:information_schema.sql_identifier
information_schema.routine_privileges grantor:information_schema.sql_identifier,grantee:information_schema.sql_identifier,specific_catalog:information_schema.sql_identifier,specific_schema:information_schema.sql_identifier,specific_name:information_schema.sql_identifier,routine_catalog:information_schema.sql_identifier,routine_schema:information_schema.sql_identifier,routine_name:information_schema.sql_identifier,privilege_type:information_schema.character_data,is_grantable:information_schema.yes_or_no
information_schema.routine_routine_usage specific_catalog:information_schema.sql_identifier,specific_schema:information_schema.sql_identifier,specific_name:information_schema.sql_identifier,routine_catalog:information_schema.sql_identifier,routine_schema:information_schema.sql_identifier,routine_name:information_schema.sql_identifier
information_schema.routine_sequence_usage specific_catalog:information_schema.sql_identifier,specific_schema:information_schema.sql_identifier,specific_name:information_schema.sql_identifier,routine_catalog:information_schema.sql_identifier,routine_schema:information_schema.sql_identifier,routine_name:information_schema.sql_identifier,sequence_catalog:information_schema.sql_identifier,sequence_schema:information_schema.sql_identifier,sequence_name:information_schema.sql_identifier
information_schema.routine_table_usage specific_catalog:information_schema.sql_identifier,specific_schema:information_schema.sql_identifier,specific_name:information_schema.sql_identifier,routine_catalog:information_schema.sql_identifier,routine_schema:information_schema.sql_identifier,routine_name:information_schema.sql_identifier,table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier
information_schema.routines specific_catalog:information_schema.sql_identifier,specific_schema:information_schema.sql_identifier,specific_name:information_schema.sql_identifier,routine_catalog:information_schema.sql_identifier,routine_schema:information_schema.sql_identifier,routine_name:information_schema.sql_identifier,routine_type:information_schema.character_data,module_catalog:information_schema.sql_identifier,module_schema:information_schema.sql_identifier,module_name:information_schema.sql_identifier,udt_catalog:information_schema.sql_identifier,udt_schema:information_schema.sql_identifier,udt_name:information_schema.sql_identifier,data_type:information_schema.character_data,character_maximum_length:information_schema.cardinal_number,character_octet_length:information_schema.cardinal_number,character_set_catalog:information_schema.sql_identifier,character_set_schema:information_schema.sql_identifier,character_set_name:information_schema.sql_identifier,collation_catalog:information_schema.sql_identifier,collation_schema:information_schema.sql_identifier,collation_name:information_schema.sql_identifier,numeric_precision:information_schema.cardinal_number,numeric_precision_radix:information_schema.cardinal_number,numeric_scale:information_schema.cardinal_number,datetime_precision:information_schema.cardinal_number,interval_type:information_schema.character_data,interval_precision:information_schema.cardinal_number,type_udt_catalog:information_schema.sql_identifier,type_udt_schema:information_schema.sql_identifier,type_udt_name:information_schema.sql_identifier,scope_catalog:information_schema.sql_identifier,scope_schema:information_schema.sql_identifier,scope_name:information_schema.sql_identifier,maximum_cardinality:information_schema.cardinal_number,dtd_identifier:information_schema.sql_identifier,routine_body:information_schema.character_data,routine_definition:information_schema.character_data,external_name:information_schema.character_data,external_language:information_schema.character_data,parameter_style:information_schema.character_data,is_deterministic:information_schema.yes_or_no,sql_data_access:information_schema.character_data,is_null_call:information_schema.yes_or_no,sql_path:information_schema.character_data,schema_level_routine:information_schema.yes_or_no,max_dynamic_result_sets:information_schema.cardinal_number,is_user_defined_cast:information_schema.yes_or_no,is_implicitly_invocable:information_schema.yes_or_no,security_type:information_schema.character_data,to_sql_specific_catalog:information_schema.sql_identifier,to_sql_specific_schema:information_schema.sql_identifier,to_sql_specific_name:information_schema.sql_identifier,as_locator:information_schema.yes_or_no,created:information_schema.time_stamp,last_altered:information_schema.time_stamp,new_savepoint_level:information_schema.yes_or_no,is_udt_dependent:information_schema.yes_or_no,result_cast_from_data_type:information_schema.character_data,result_cast_as_locator:information_schema.yes_or_no,result_cast_char_max_length:information_schema.cardinal_number,result_cast_char_octet_length:information_schema.cardinal_number,result_cast_char_set_catalog:information_schema.sql_identifier,result_cast_char_set_schema:information_schema.sql_identifier,result_cast_char_set_name:information_schema.sql_identifier,result_cast_collation_catalog:information_schema.sql_identifier,result_cast_collation_schema:information_schema.sql_identifier,result_cast_collation_name:information_schema.sql_identifier,result_cast_numeric_precision:information_schema.cardinal_number,result_cast_numeric_precision_radix:information_schema.cardinal_number,result_cast_numeric_scale:information_schema.cardinal_number,result_cast_datetime_precision:information_schema.cardinal_number,result_cast_interval_type:information_schema.character_data,result_cast_interval_precision:information_schema.cardinal_number,result_cast_type_udt_catalog:information_schema.sql_identifier,result_cast_type_udt_schema:information_schema.sql_identifier,result_cast_type_udt_name:information_schema.sql_identifier,result_cast_scope_catalog:information_schema.sql_identifier,result_cast_scope_schema:information_schema.sql_identifier,result_cast_scope_name:information_schema.sql_identifier,result_cast_maximum_cardinality:information_schema.cardinal_number,result_cast_dtd_identifier:information_schema.sql_identifier
information_schema.schemata catalog_name:information_schema.sql_identifier,schema_name:information_schema.sql_identifier,schema_owner:information_schema.sql_identifier,default_character_set_catalog:information_schema.sql_identifier,default_character_set_schema:information_schema.sql_identifier,default_character_set_name:information_schema.sql_identifier,sql_path:information_schema.character_data
information_schema.sequences sequence_catalog:information_schema.sql_identifier,sequence_schema:information_schema.sql_identifier,sequence_name:information_schema.sql_identifier,data_type:information_schema.character_data,numeric_precision:information_schema.cardinal_number,numeric_precision_radix:information_schema.cardinal_number,numeric_scale:information_schema.cardinal_number,start_value:information_schema.character_data,minimum_value:information_schema.character_data,maximum_value:information_schema.character_data,increment:information_schema.character_data,cycle_option:information_schema.yes_or_no
information_schema.sql_features feature_id:information_schema.character_data,feature_name:information_schema.character_data,sub_feature_id:information_schema.character_data,sub_feature_name:information_schema.character_data,is_supported:information_schema.yes_or_no,is_verified_by:information_schema.character_data,comments:information_schema.character_data
information_schema.sql_implementation_info implementation_info_id:information_schema.character_data,implementation_info_name:information_schema.character_data,integer_value:information_schema.cardinal_number,character_value:information_schema.character_data,comments:information_schema.character_data
information_schema.sql_parts feature_id:information_schema.character_data,feature_name:information_schema.character_data,is_supported:information_schema.yes_or_no,is_verified_by:information_schema.character_data,comments:information_schema.character_data
information_schema.sql_sizing sizing_id:information_schema.cardinal_number,sizing_name:information_schema.character_data,supported_value:information_schema.cardinal_number,comments:information_schema.character_data
information_schema.table_constraints constraint_catalog:information_schema.sql_identifier,constraint_schema:information_schema.sql_identifier,constraint_name:information_schema.sql_identifier,table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,constraint_type:information_schema.character_data,is_deferrable:information_schema.yes_or_no,initially_deferred:information_schema.yes_or_no,enforced:information_schema.yes_or_no,nulls_distinct:information_schema.yes_or_no
information_schema.table_privileges grantor:information_schema.sql_identifier,grantee:information_schema.sql_identifier,table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,privilege_type:information_schema.character_data,is_grantable:information_schema.yes_or_no,with_hierarchy:information_schema.yes_or_no
information_schema.tables table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,table_type:information_schema.character_data,self_referencing_column_name:information_schema.sql_identifier,reference_generation:information_schema.character_data,user_defined_type_catalog:information_schema.sql_identifier,user_defined_type_schema:information_schema.sql_identifier,user_defined_type_name:information_schema.sql_identifier,is_insertable_into:information_schema.yes_or_no,is_typed:information_schema.yes_or_no,commit_action:information_schema.character_data
information_schema.transforms udt_catalog:information_schema.sql_identifier,udt_schema:information_schema.sql_identifier,udt_name:information_schema.sql_identifier,specific_catalog:information_schema.sql_identifier,specific_schema:information_schema.sql_identifier,specific_name:information_schema.sql_identifier,group_name:information_schema.sql_identifier,transform_type:information_schema.character_data
information_schema.triggered_update_columns trigger_catalog:information_schema.sql_identifier,trigger_schema:information_schema.sql_identifier,trigger_name:information_schema.sql_identifier,event_object_catalog:information_schema.sql_identifier,event_object_schema:information_schema.sql_identifier,event_object_table:information_schema.sql_identifier,event_object_column:information_schema.sql_identifier
information_schema.triggers trigger_catalog:information_schema.sql_identifier,trigger_schema:information_schema.sql_identifier,trigger_name:information_schema.sql_identifier,event_manipulation:information_schema.character_data,event_object_catalog:information_schema.sql_identifier,event_object_schema:information_schema.sql_identifier,event_object_table:information_schema.sql_identifier,action_order:information_schema.cardinal_number,action_condition:information_schema.character_data,action_statement:information_schema.character_data,action_orientation:information_schema.character_data,action_timing:information_schema.character_data,action_reference_old_table:information_schema.sql_identifier,action_reference_new_table:information_schema.sql_identifier,action_reference_old_row:information_schema.sql_identifier,action_reference_new_row:information_schema.sql_identifier,created:information_schema.time_stamp
information_schema.udt_privileges grantor:information_schema.sql_identifier,grantee:information_schema.sql_identifier,udt_catalog:information_schema.sql_identifier,udt_schema:information_schema.sql_identifier,udt_name:information_schema.sql_identifier,privilege_type:information_schema.character_data,is_grantable:information_schema.yes_or_no
information_schema.usage_privileges grantor:information_schema.sql_identifier,grantee:information_schema.sql_identifier,object_catalog:information_schema.sql_identifier,object_schema:information_schema.sql_identifier,object_name:information_schema.sql_identifier,object_type:information_schema.character_data,privilege_type:information_schema.character_data,is_grantable:information_schema.yes_or_no
information_schema.user_defined_types user_defined_type_catalog:information_schema.sql_identifier,user_defined_type_schema:information_schema.sql_identifier,user_defined_type_name:information_schema.sql_identifier,user_defined_type_category:information_schema.character_data,is_instantiable:information_schema.yes_or_no,is_final:information_schema.yes_or_no,ordering_form:information_schema.character_data,ordering_category:information_schema.character_data,ordering_routine_catalog:information_schema.sql_identifier,ordering_routine_schema:information_schema.sql_identifier,ordering_routine_name:information_schema.sql_identifier,reference_type:information_schema.character_data,data_type:information_schema.character_data,character_maximum_length:information_schema.cardinal_number,character_octet_length:information_schema.cardinal_number,character_set_catalog:information_schema.sql_identifier,character_set_schema:information_schema.sql_identifier,character_set_name:information_schema.sql_identifier,collation_catalog:information_schema.sql_identifier,collation_schema:information_schema.sql_identifier,collation_name:information_schema.sql_identifier,numeric_precision:information_schema.cardinal_number,numeric_precision_radix:information_schema.cardinal_number,numeric_scale:information_schema.cardinal_number,datetime_precision:information_schema.cardinal_number,interval_type:information_schema.character_data,interval_precision:information_schema.cardinal_number,source_dtd_identifier:information_schema.sql_identifier,ref_dtd_identifier:information_schema.sql_identifier
information_schema.user_mapping_options authorization_identifier:information_schema.sql_identifier,foreign_server_catalog:information_schema.sql_identifier,foreign_server_name:information_schema.sql_identifier,option_name:information_schema.sql_identifier,option_value:information_schema.character_data
information_schema.user_mappings authorization_identifier:information_schema.sql_identifier,foreign_server_catalog:information_schema.sql_identifier,foreign_server_name:information_schema.sql_identifier
information_schema.view_column_usage view_catalog:information_schema.sql_identifier,view_schema:information_schema.sql_identifier,view_name:information_schema.sql_identifier,table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,column_name:information_schema.sql_identifier
information_schema.view_routine_usage table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,specific_catalog:information_schema.sql_identifier,specific_schema:information_schema.sql_identifier,specific_name:information_schema.sql_identifier
information_schema.view_table_usage view_catalog:information_schema.sql_identifier,view_schema:information_schema.sql_identifier,view_name:information_schema.sql_identifier,table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier
information_schema.views table_catalog:information_schema.sql_identifier,table_schema:information_schema.sql_identifier,table_name:information_schema.sql_identifier,view_definition:information_schema.character_data,check_option:information_schema.character_data,is_updatable:information_schema.yes_or_no,is_insertable_into:information_schema.yes_or_no,is_trigger_updatable:information_schema.yes_or_no,is_trigger_deletable:information_schema.yes_or_no,is_trigger_insertable_into:information_schema.yes_or_no
pg_aggregate aggfnoid:regproc,aggkind:char,aggnumdirectargs:int2,aggtransfn:regproc,aggfinalfn:regproc,aggcombinefn:regproc,aggserialfn:regproc,aggdeserialfn:regproc,aggmtransfn:regproc,aggminvtransfn:regproc,aggmfinalfn:regproc,aggfinalextra:bool,aggmfinalextra:bool,aggfinalmodify:char,aggmfinalmodify:char,aggsortop:oid,aggtranstype:oid,aggtransspace:int4,aggmtranstype:oid,aggmtransspace:int4,agginitval:text,aggminitval:text
pg_aios pid:int4,io_id:int4,io_generation:int8,state:text,operation:text,off:int8,length:int8,target:text,handle_data_len:int2,raw_result:int4,result:text,target_desc:text,f_sync:bool,f_localmem:bool,f_buffered:bool
pg_am oid:oid,amname:name,amhandler:regproc,amtype:char
pg_amop oid:oid,amopfamily:oid,amoplefttype:oid,amoprighttype:oid,amopstrategy:int2,amoppurpose:char,amopopr:oid,amopmethod:oid,amopsortfamily:oid
pg_amproc oid:oid,amprocfamily:oid,amproclefttype:oid,amprocrighttype:oid,amprocnum:int2,amproc:regproc
pg_attrdef oid:oid,adrelid:oid,adnum:int2,adbin:pg_node_tree
pg_attribute attrelid:oid,attname:name,atttypid:oid,attlen:int2,attnum:int2,atttypmod:int4,attndims:int2,attbyval:bool,attalign:char,attstorage:char,attcompression:char,attnotnull:bool,atthasdef:bool,atthasmissing:bool,attidentity:char,attgenerated:char,attisdropped:bool,attislocal:bool,attinhcount:int2,attcollation:oid,attstattarget:int2,attacl:_aclitem,attoptions:_text,attfdwoptions:_text,attmissingval:anyarray
pg_auth_members oid:oid,roleid:oid,member:oid,grantor:oid,admin_option:bool,inherit_option:bool,set_option:bool
pg_authid oid:oid,rolname:name,rolsuper:bool,rolinherit:bool,rolcreaterole:bool,rolcreatedb:bool,rolcanlogin:bool,rolreplication:bool,rolbypassrls:bool,rolconnlimit:int4,rolpassword:text,rolvaliduntil:timestamptz
pg_available_extension_versions name:name,version:text,installed:bool,superuser:bool,trusted:bool,relocatable:bool,schema:name,requires:_name,comment:text
pg_available_extensions name:name,default_version:text,installed_version:text,comment:text
pg_backend_memory_contexts name:text,ident:text,type:text,level:int4,path:_int4,total_bytes:int8,total_nblocks:int8,free_bytes:int8,free_chunks:int8,used_bytes:int8
pg_cast oid:oid,castsource:oid,casttarget:oid,castfunc:oid,castcontext:char,castmethod:char
pg_class oid:oid,relname:name,relnamespace:oid,reltype:oid,reloftype:oid,relowner:oid,relam:oid,relfilenode:oid,reltablespace:oid,relpages:int4,reltuples:float4,relallvisible:int4,relallfrozen:int4,reltoastrelid:oid,relhasindex:bool,relisshared:bool,relpersistence:char,relkind:char,relnatts:int2,relchecks:int2,relhasrules:bool,relhastriggers:bool,relhassubclass:bool,relrowsecurity:bool,relforcerowsecurity:bool,relispopulated:bool,relreplident:char,relispartition:bool,relrewrite:oid,relfrozenxid:xid,relminmxid:xid,relacl:_aclitem,reloptions:_text,relpartbound:pg_node_tree
pg_collation oid:oid,collname:name,collnamespace:oid,collowner:oid,collprovider:char,collisdeterministic:bool,collencoding:int4,collcollate:text,collctype:text,colllocale:text,collicurules:text,collversion:text
pg_config name:text,setting:text
pg_constraint oid:oid,conname:name,connamespace:oid,contype:char,condeferrable:bool,condeferred:bool,conenforced:bool,convalidated:bool,conrelid:oid,contypid:oid,conindid:oid,conparentid:oid,confrelid:oid,confupdtype:char,confdeltype:char,confmatchtype:char,conislocal:bool,coninhcount:int2,connoinherit:bool,conperiod:bool,conkey:_int2,confkey:_int2,conpfeqop:_oid,conppeqop:_oid,conffeqop:_oid,confdelsetcols:_int2,conexclop:_oid,conbin:pg_node_tree
pg_conversion oid:oid,conname:name,connamespace:oid,conowner:oid,conforencoding:int4,contoencoding:int4,conproc:regproc,condefault:bool
pg_cursors name:text,statement:text,is_holdable:bool,is_binary:bool,is_scrollable:bool,creation_time:timestamptz
pg_database oid:oid,datname:name,datdba:oid,encoding:int4,datlocprovider:char,datistemplate:bool,datallowconn:bool,dathasloginevt:bool,datconnlimit:int4,datfrozenxid:xid,datminmxid:xid,dattablespace:oid,datcollate:text,datctype:text,datlocale:text,daticurules:text,datcollversion:text,datacl:_aclitem
pg_db_role_setting setdatabase:oid,setrole:oid,setconfig:_text
pg_default_acl oid:oid,defaclrole:oid,defaclnamespace:oid,defaclobjtype:char,defaclacl:_aclitem
pg_depend classid:oid,objid:oid,objsubid:int4,refclassid:oid,refobjid:oid,refobjsubid:int4,deptype:char
pg_description objoid:oid,classoid:oid,objsubid:int4,description:text
pg_enum oid:oid,enumtypid:oid,enumsortorder:float4,enumlabel:name
pg_event_trigger oid:oid,evtname:name,evtevent:name,evtowner:oid,evtfoid:oid,evtenabled:char,evttags:_text
pg_extension oid:oid,extname:name,extowner:oid,extnamespace:oid,extrelocatable:bool,extversion:text,extconfig:_oid,extcondition:_text
pg_file_settings sourcefile:text,sourceline:int4,seqno:int4,name:text,setting:text,applied:bool,error:text
pg_foreign_data_wrapper oid:oid,fdwname:name,fdwowner:oid,fdwhandler:oid,fdwvalidator:oid,fdwacl:_aclitem,fdwoptions:_text
pg_foreign_server oid:oid,srvname:name,srvowner:oid,srvfdw:oid,srvtype:text,srvversion:text,srvacl:_aclitem,srvoptions:_text
pg_foreign_table ftrelid:oid,ftserver:oid,ftoptions:_text
pg_group groname:name,grosysid:oid,grolist:_oid
pg_hba_file_rules rule_number:int4,file_name:text,line_number:int4,type:text,database:_text,user_name:_text,address:text,netmask:text,auth_method:text,options:_text,error:text
pg_ident_file_mappings map_number:int4,file_name:text,line_number:int4,map_name:text,sys_name:text,pg_username:text,error:text
pg_index indexrelid:oid,indrelid:oid,indnatts:int2,indnkeyatts:int2,indisunique:bool,indnullsnotdistinct:bool,indisprimary:bool,indisexclusion:bool,indimmediate:bool,indisclustered:bool,indisvalid:bool,indcheckxmin:bool,indisready:bool,indislive:bool,indisreplident:bool,indkey:int2vector,indcollation:oidvector,indclass:oidvector,indoption:int2vector,indexprs:pg_node_tree,indpred:pg_node_tree
pg_indexes schemaname:name,tablename:name,indexname:name,tablespace:name,indexdef:text
pg_inherits inhrelid:oid,inhparent:oid,inhseqno:int4,inhdetachpending:bool
pg_init_privs objoid:oid,classoid:oid,objsubid:int4,privtype:char,initprivs:_aclitem
pg_language oid:oid,lanname:name,lanowner:oid,lanispl:bool,lanpltrusted:bool,lanplcallfoid:oid,laninline:oid,lanvalidator:oid,lanacl:_aclitem
pg_largeobject loid:oid,pageno:int4,data:bytea
pg_largeobject_metadata oid:oid,lomowner:oid,lomacl:_aclitem
pg_locks locktype:text,database:oid,relation:oid,page:int4,tuple:int2,virtualxid:text,transactionid:xid,classid:oid,objid:oid,objsubid:int2,virtualtransaction:text,pid:int4,mode:text,granted:bool,fastpath:bool,waitstart:timestamptz
pg_matviews schemaname:name,matviewname:name,matviewowner:name,tablespace:name,hasindexes:bool,ispopulated:bool,definition:text
pg_namespace oid:oid,nspname:name,nspowner:oid,nspacl:_aclitem
pg_opclass oid:oid,opcmethod:oid,opcname:name,opcnamespace:oid,opcowner:oid,opcfamily:oid,opcintype:oid,opcdefault:bool,opckeytype:oid
pg_operator oid:oid,oprname:name,oprnamespace:oid,oprowner:oid,oprkind:char,oprcanmerge:bool,oprcanhash:bool,oprleft:oid,oprright:oid,oprresult:oid,oprcom:oid,oprnegate:oid,oprcode:regproc,oprrest:regproc,oprjoin:regproc
pg_opfamily oid:oid,opfmethod:oid,opfname:name,opfnamespace:oid,opfowner:oid
pg_parameter_acl oid:oid,parname:text,paracl:_aclitem
pg_partitioned_table partrelid:oid,partstrat:char,partnatts:int2,partdefid:oid,partattrs:int2vector,partclass:oidvector,partcollation:oidvector,partexprs:pg_node_tree
pg_policies schemaname:name,tablename:name,policyname:name,permissive:text,roles:_name,cmd:text,qual:text,with_check:text
pg_policy oid:oid,polname:name,polrelid:oid,polcmd:char,polpermissive:bool,polroles:_oid,polqual:pg_node_tree,polwithcheck:pg_node_tree
pg_prepared_statements name:text,statement:text,prepare_time:timestamptz,parameter_types:_regtype,result_types:_regtype,from_sql:bool,generic_plans:int8,custom_plans:int8
pg_prepared_xacts transaction:xid,gid:text,prepared:timestamptz,owner:name,database:name
pg_proc oid:oid,proname:name,pronamespace:oid,proowner:oid,prolang:oid,procost:float4,prorows:float4,provariadic:oid,prosupport:regproc,prokind:char,prosecdef:bool,proleakproof:bool,proisstrict:bool,proretset:bool,provolatile:char,proparallel:char,pronargs:int2,pronargdefaults:int2,prorettype:oid,proargtypes:oidvector,proallargtypes:_oid,proargmodes:_char,proargnames:_text,proargdefaults:pg_node_tree,protrftypes:_oid,prosrc:text,probin:text,prosqlbody:pg_node_tree,proconfig:_text,proacl:_aclitem
pg_publication oid:oid,pubname:name,pubowner:oid,puballtables:bool,pubinsert:bool,pubupdate:bool,pubdelete:bool,pubtruncate:bool,pubviaroot:bool,pubgencols:char
pg_publication_namespace oid:oid,pnpubid:oid,pnnspid:oid
pg_publication_rel oid:oid,prpubid:oid,prrelid:oid,prqual:pg_node_tree,prattrs:int2vector
pg_publication_tables pubname:name,schemaname:name,tablename:name,attnames:_name,rowfilter:text
pg_range rngtypid:oid,rngsubtype:oid,rngmultitypid:oid,rngcollation:oid,rngsubopc:oid,rngcanonical:regproc,rngsubdiff:regproc
pg_replication_origin roident:oid,roname:text
pg_replication_origin_status local_id:oid,external_id:text,remote_lsn:pg_lsn,local_lsn:pg_lsn
pg_replication_slots slot_name:name,plugin:name,slot_type:text,datoid:oid,database:name,temporary:bool,active:bool,active_pid:int4,xmin:xid,catalog_xmin:xid,restart_lsn:pg_lsn,confirmed_flush_lsn:pg_lsn,wal_status:text,safe_wal_size:int8,two_phase:bool,two_phase_at:pg_lsn,inactive_since:timestamptz,conflicting:bool,invalidation_reason:text,failover:bool,synced:bool
pg_rewrite oid:oid,rulename:name,ev_class:oid,ev_type:char,ev_enabled:char,is_instead:bool,ev_qual:pg_node_tree,ev_action:pg_node_tree
pg_roles rolname:name,rolsuper:bool,rolinherit:bool,rolcreaterole:bool,rolcreatedb:bool,rolcanlogin:bool,rolreplication:bool,rolconnlimit:int4,rolpassword:text,rolvaliduntil:timestamptz,rolbypassrls:bool,rolconfig:_text,oid:oid
pg_rules schemaname:name,tablename:name,rulename:name,definition:text
pg_seclabel objoid:oid,classoid:oid,objsubid:int4,provider:text,label:text
pg_seclabels objoid:oid,classoid:oid,objsubid:int4,objtype:text,objnamespace:oid,objname:text,provider:text,label:text
pg_sequence seqrelid:oid,seqtypid:oid,seqstart:int8,seqincrement:int8,seqmax:int8,seqmin:int8,seqcache:int8,seqcycle:bool
pg_sequences schemaname:name,sequencename:name,sequenceowner:name,data_type:regtype,start_value:int8,min_value:int8,max_value:int8,increment_by:int8,cycle:bool,cache_size:int8,last_value:int8
pg_settings name:text,setting:text,unit:text,category:text,short_desc:text,extra_desc:text,context:text,vartype:text,source:text,min_val:text,max_val:text,enumvals:_text,boot_val:text,reset_val:text,sourcefile:text,sourceline:int4,pending_restart:bool
pg_shadow usename:name,usesysid:oid,usecreatedb:bool,usesuper:bool,userepl:bool,usebypassrls:bool,passwd:text,valuntil:timestamptz,useconfig:_text
pg_shdepend dbid:oid,classid:oid,objid:oid,objsubid:int4,refclassid:oid,refobjid:oid,deptype:char
pg_shdescription objoid:oid,classoid:oid,description:text
pg_shmem_allocations name:text,off:int8,size:int8,allocated_size:int8
pg_shmem_allocations_numa name:text,numa_node:int4,size:int8
pg_shseclabel objoid:oid,classoid:oid,provider:text,label:text
pg_stat_activity datid:oid,datname:name,pid:int4,leader_pid:int4,usesysid:oid,usename:name,application_name:text,client_addr:inet,client_hostname:text,client_port:int4,backend_start:timestamptz,xact_start:timestamptz,query_start:timestamptz,state_change:timestamptz,wait_event_type:text,wait_event:text,state:text,backend_xid:xid,backend_xmin:xid,query_id:int8,query:text,backend_type:text
pg_stat_all_indexes relid:oid,indexrelid:oid,schemaname:name,relname:name,indexrelname:name,idx_scan:int8,last_idx_scan:timestamptz,idx_tup_read:int8,idx_tup_fetch:int8
pg_stat_all_tables relid:oid,schemaname:name,relname:name,seq_scan:int8,last_seq_scan:timestamptz,seq_tup_read:int8,idx_scan:int8,last_idx_scan:timestamptz,idx_tup_fetch:int8,n_tup_ins:int8,n_tup_upd:int8,n_tup_del:int8,n_tup_hot_upd:int8,n_tup_newpage_upd:int8,n_live_tup:int8,n_dead_tup:int8,n_mod_since_analyze:int8,n_ins_since_vacuum:int8,last_vacuum:timestamptz,last_autovacuum:timestamptz,last_analyze:timestamptz,last_autoanalyze:timestamptz,vacuum_count:int8,autovacuum_count:int8,analyze_count:int8,autoanalyze_count:int8,total_vacuum_time:float8,total_autovacuum_time:float8,total_analyze_time:float8,total_autoanalyze_time:float8
pg_stat_archiver archived_count:int8,last_archived_wal:text,last_archived_time:timestamptz,failed_count:int8,last_failed_wal:text,last_failed_time:timestamptz,stats_reset:timestamptz
pg_stat_bgwriter buffers_clean:int8,maxwritten_clean:int8,buffers_alloc:int8,stats_reset:timestamptz
pg_stat_checkpointer num_timed:int8,num_requested:int8,num_done:int8,restartpoints_timed:int8,restartpoints_req:int8,restartpoints_done:int8,write_time:float8,sync_time:float8,buffers_written:int8,slru_written:int8,stats_reset:timestamptz
pg_stat_database datid:oid,datname:name,numbackends:int4,xact_commit:int8,xact_rollback:int8,blks_read:int8,blks_hit:int8,tup_returned:int8,tup_fetched:int8,tup_inserted:int8,tup_updated:int8,tup_deleted:int8,conflicts:int8,temp_files:int8,temp_bytes:int8,deadlocks:int8,checksum_failures:int8,checksum_last_failure:timestamptz,blk_read_time:float8,blk_write_time:float8,session_time:float8,active_time:float8,idle_in_transaction_time:float8,sessions:int8,sessions_abandoned:int8,sessions_fatal:int8,sessions_killed:int8,parallel_workers_to_launch:int8,parallel_workers_launched:int8,stats_reset:timestamptz
pg_stat_database_conflicts datid:oid,datname:name,confl_tablespace:int8,confl_lock:int8,confl_snapshot:int8,confl_bufferpin:int8,confl_deadlock:int8,confl_active_logicalslot:int8
pg_stat_gssapi pid:int4,gss_authenticated:bool,principal:text,encrypted:bool,credentials_delegated:bool
pg_stat_io backend_type:text,object:text,context:text,reads:int8,read_bytes:numeric,read_time:float8,writes:int8,write_bytes:numeric,write_time:float8,writebacks:int8,writeback_time:float8,extends:int8,extend_bytes:numeric,extend_time:float8,hits:int8,evictions:int8,reuses:int8,fsyncs:int8,fsync_time:float8,stats_reset:timestamptz
pg_stat_progress_analyze pid:int4,datid:oid,datname:name,relid:oid,phase:text,sample_blks_total:int8,sample_blks_scanned:int8,ext_stats_total:int8,ext_stats_computed:int8,child_tables_total:int8,child_tables_done:int8,current_child_table_relid:oid,delay_time:float8
pg_stat_progress_basebackup pid:int4,phase:text,backup_total:int8,backup_streamed:int8,tablespaces_total:int8,tablespaces_streamed:int8
pg_stat_progress_cluster pid:int4,datid:oid,datname:name,relid:oid,command:text,phase:text,cluster_index_relid:oid,heap_tuples_scanned:int8,heap_tuples_written:int8,heap_blks_total:int8,heap_blks_scanned:int8,index_rebuild_count:int8
pg_stat_progress_copy pid:int4,datid:oid,datname:name,relid:oid,command:text,type:text,bytes_processed:int8,bytes_total:int8,tuples_processed:int8,tuples_excluded:int8,tuples_skipped:int8
pg_stat_progress_create_index pid:int4,datid:oid,datname:name,relid:oid,index_relid:oid,command:text,phase:text,lockers_total:int8,lockers_done:int8,current_locker_pid:int8,blocks_total:int8,blocks_done:int8,tuples_total:int8,tuples_done:int8,partitions_total:int8,partitions_done:int8
pg_stat_progress_vacuum pid:int4,datid:oid,datname:name,relid:oid,phase:text,heap_blks_total:int8,heap_blks_scanned:int8,heap_blks_vacuumed:int8,index_vacuum_count:int8,max_dead_tuple_bytes:int8,dead_tuple_bytes:int8,num_dead_item_ids:int8,indexes_total:int8,indexes_processed:int8,delay_time:float8
pg_stat_recovery_prefetch stats_reset:timestamptz,prefetch:int8,hit:int8,skip_init:int8,skip_new:int8,skip_fpw:int8,skip_rep:int8,wal_distance:int4,block_distance:int4,io_depth:int4
pg_stat_replication pid:int4,usesysid:oid,usename:name,application_name:text,client_addr:inet,client_hostname:text,client_port:int4,backend_start:timestamptz,backend_xmin:xid,state:text,sent_lsn:pg_lsn,write_lsn:pg_lsn,flush_lsn:pg_lsn,replay_lsn:pg_lsn,write_lag:interval,flush_lag:interval,replay_lag:interval,sync_priority:int4,sync_state:text,reply_time:timestamptz
pg_stat_replication_slots slot_name:text,spill_txns:int8,spill_count:int8,spill_bytes:int8,stream_txns:int8,stream_count:int8,stream_bytes:int8,total_txns:int8,total_bytes:int8,stats_reset:timestamptz
pg_stat_slru name:text,blks_zeroed:int8,blks_hit:int8,blks_read:int8,blks_written:int8,blks_exists:int8,flushes:int8,truncates:int8,stats_reset:timestamptz
pg_stat_ssl pid:int4,ssl:bool,version:text,cipher:text,bits:int4,client_dn:text,client_serial:numeric,issuer_dn:text
pg_stat_subscription subid:oid,subname:name,worker_type:text,pid:int4,leader_pid:int4,relid:oid,received_lsn:pg_lsn,last_msg_send_time:timestamptz,last_msg_receipt_time:timestamptz,latest_end_lsn:pg_lsn,latest_end_time:timestamptz
pg_stat_subscription_stats subid:oid,subname:name,apply_error_count:int8,sync_error_count:int8,confl_insert_exists:int8,confl_update_origin_differs:int8,confl_update_exists:int8,confl_update_missing:int8,confl_delete_origin_differs:int8,confl_delete_missing:int8,confl_multiple_unique_conflicts:int8,stats_reset:timestamptz
pg_stat_sys_indexes relid:oid,indexrelid:oid,schemaname:name,relname:name,indexrelname:name,idx_scan:int8,last_idx_scan:timestamptz,idx_tup_read:int8,idx_tup_fetch:int8
pg_stat_sys_tables relid:oid,schemaname:name,relname:name,seq_scan:int8,last_seq_scan:timestamptz,seq_tup_read:int8,idx_scan:int8,last_idx_scan:timestamptz,idx_tup_fetch:int8,n_tup_ins:int8,n_tup_upd:int8,n_tup_del:int8,n_tup_hot_upd:int8,n_tup_newpage_upd:int8,n_live_tup:int8,n_dead_tup:int8,n_mod_since_analyze:int8,n_ins_since_vacuum:int8,last_vacuum:timestamptz,last_autovacuum:timestamptz,last_analyze:timestamptz,last_autoanalyze:timestamptz,vacuum_count:int8,autovacuum_count:int8,analyze_count:int8,autoanalyze_count:int8,total_vacuum_time:float8,total_autovacuum_time:float8,total_analyze_time:float8,total_autoanalyze_time:float8
pg_stat_user_functions funcid:oid,schemaname:name,funcname:name,calls:int8,total_time:float8,self_time:float8
pg_stat_user_indexes relid:oid,indexrelid:oid,schemaname:name,relname:name,indexrelname:name,idx_scan:int8,last_idx_scan:timestamptz,idx_tup_read:int8,idx_tup_fetch:int8
pg_stat_user_tables relid:oid,schemaname:name,relname:name,seq_scan:int8,last_seq_scan:timestamptz,seq_tup_read:int8,idx_scan:int8,last_idx_scan:timestamptz,idx_tup_fetch:int8,n_tup_ins:int8,n_tup_upd:int8,n_tup_del:int8,n_tup_hot_upd:int8,n_tup_newpage_upd:int8,n_live_tup:int8,n_dead_tup:int8,n_mod_since_analyze:int8,n_ins_since_vacuum:int8,last_vacuum:timestamptz,last_autovacuum:timestamptz,last_analyze:timestamptz,last_autoanalyze:timestamptz,vacuum_count:int8,autovacuum_count:int8,analyze_count:int8,autoanalyze_count:int8,total_vacuum_time:float8,total_autovacuum_time:float8,total_analyze_time:float8,total_autoanalyze_time:float8
pg_stat_wal wal_records:int8,wal_fpi:int8,wal_bytes:numeric,wal_buffers_full:int8,stats_reset:timestamptz
pg_stat_wal_receiver pid:int4,status:text,receive_start_lsn:pg_lsn,receive_start_tli:int4,written_lsn:pg_lsn,flushed_lsn:pg_lsn,received_tli:int4,last_msg_send_time:timestamptz,last_msg_receipt_time:timestamptz,latest_end_lsn:pg_lsn,latest_end_time:timestamptz,slot_name:text,sender_host:text,sender_port:int4,conninfo:text
pg_stat_xact_all_tables relid:oid,schemaname:name,relname:name,seq_scan:int8,seq_tup_read:int8,idx_scan:int8,idx_tup_fetch:int8,n_tup_ins:int8,n_tup_upd:int8,n_tup_del:int8,n_tup_hot_upd:int8,n_tup_newpage_upd:int8
pg_stat_xact_sys_tables relid:oid,schemaname:name,relname:name,seq_scan:int8,seq_tup_read:int8,idx_scan:int8,idx_tup_fetch:int8,n_tup_ins:int8,n_tup_upd:int8,n_tup_del:int8,n_tup_hot_upd:int8,n_tup_newpage_upd:int8
pg_stat_xact_user_functions funcid:oid,schemaname:name,funcname:name,calls:int8,total_time:float8,self_time:float8
pg_stat_xact_user_tables relid:oid,schemaname:name,relname:name,seq_scan:int8,seq_tup_read:int8,idx_scan:int8,idx_tup_fetch:int8,n_tup_ins:int8,n_tup_upd:int8,n_tup_del:int8,n_tup_hot_upd:int8,n_tup_newpage_upd:int8
pg_statio_all_indexes relid:oid,indexrelid:oid,schemaname:name,relname:name,indexrelname:name,idx_blks_read:int8,idx_blks_hit:int8
pg_statio_all_sequences relid:oid,schemaname:name,relname:name,blks_read:int8,blks_hit:int8
pg_statio_all_tables relid:oid,schemaname:name,relname:name,heap_blks_read:int8,heap_blks_hit:int8,idx_blks_read:int8,idx_blks_hit:int8,toast_blks_read:int8,toast_blks_hit:int8,tidx_blks_read:int8,tidx_blks_hit:int8
pg_statio_sys_indexes relid:oid,indexrelid:oid,schemaname:name,relname:name,indexrelname:name,idx_blks_read:int8,idx_blks_hit:int8
pg_statio_sys_sequences relid:oid,schemaname:name,relname:name,blks_read:int8,blks_hit:int8
pg_statio_sys_tables relid:oid,schemaname:name,relname:name,heap_blks_read:int8,heap_blks_hit:int8,idx_blks_read:int8,idx_blks_hit:int8,toast_blks_read:int8,toast_blks_hit:int8,tidx_blks_read:int8,tidx_blks_hit:int8
pg_statio_user_indexes relid:oid,indexrelid:oid,schemaname:name,relname:name,indexrelname:name,idx_blks_read:int8,idx_blks_hit:int8
pg_statio_user_sequences relid:oid,schemaname:name,relname:name,blks_read:int8,blks_hit:int8
pg_statio_user_tables relid:oid,schemaname:name,relname:name,heap_blks_read:int8,heap_blks_hit:int8,idx_blks_read:int8,idx_blks_hit:int8,toast_blks_read:int8,toast_blks_hit:int8,tidx_blks_read:int8,tidx_blks_hit:int8
pg_statistic starelid:oid,staattnum:int2,stainherit:bool,stanullfrac:float4,stawidth:int4,stadistinct:float4,stakind1:int2,stakind2:int2,stakind3:int2,stakind4:int2,stakind5:int2,staop1:oid,staop2:oid,staop3:oid,staop4:oid,staop5:oid,stacoll1:oid,stacoll2:oid,stacoll3:oid,stacoll4:oid,stacoll5:oid,stanumbers1:_float4,stanumbers2:_float4,stanumbers3:_float4,stanumbers4:_float4,stanumbers5:_float4,stavalues1:anyarray,stavalues2:anyarray,stavalues3:anyarray,stavalues4:anyarray,stavalues5:anyarray
pg_statistic_ext oid:oid,stxrelid:oid,stxname:name,stxnamespace:oid,stxowner:oid,stxkeys:int2vector,stxstattarget:int2,stxkind:_char,stxexprs:pg_node_tree
pg_statistic_ext_data stxoid:oid,stxdinherit:bool,stxdndistinct:pg_ndistinct,stxddependencies:pg_dependencies,stxdmcv:pg_mcv_list,stxdexpr:_pg_statistic
pg_stats schemaname:name,tablename:name,attname:name,inherited:bool,null_frac:float4,avg_width:int4,n_distinct:float4,most_common_vals:anyarray,most_common_freqs:_float4,histogram_bounds:anyarray,correlation:float4,most_common_elems:anyarray,most_common_elem_freqs:_float4,elem_count_histogram:_float4,range_length_histogram:anyarray,range_empty_frac:float4,range_bounds_histogram:anyarray
pg_stats_ext schemaname:name,tablename:name,statistics_schemaname:name,statistics_name:name,statistics_owner:name,attnames:_name,exprs:_text,kinds:_char,inherited:bool,n_distinct:pg_ndistinct,dependencies:pg_dependencies,most_common_vals:_text,most_common_val_nulls:_bool,most_common_freqs:_float8,most_common_base_freqs:_float8
pg_stats_ext_exprs schemaname:name,tablename:name,statistics_schemaname:name,statistics_name:name,statistics_owner:name,expr:text,inherited:bool,null_frac:float4,avg_width:int4,n_distinct:float4,most_common_vals:anyarray,most_common_freqs:_float4,histogram_bounds:anyarray,correlation:float4,most_common_elems:anyarray,most_common_elem_freqs:_float4,elem_count_histogram:_float4
pg_subscription oid:oid,subdbid:oid,subskiplsn:pg_lsn,subname:name,subowner:oid,subenabled:bool,subbinary:bool,substream:char,subtwophasestate:char,subdisableonerr:bool,subpasswordrequired:bool,subrunasowner:bool,subfailover:bool,subconninfo:text,subslotname:name,subsynccommit:text,subpublications:_text,suborigin:text
pg_subscription_rel srsubid:oid,srrelid:oid,srsubstate:char,srsublsn:pg_lsn
pg_tables schemaname:name,tablename:name,tableowner:name,tablespace:name,hasindexes:bool,hasrules:bool,hastriggers:bool,rowsecurity:bool
pg_tablespace oid:oid,spcname:name,spcowner:oid,spcacl:_aclitem,spcoptions:_text
pg_timezone_abbrevs abbrev:text,utc_offset:interval,is_dst:bool
pg_timezone_names name:text,abbrev:text,utc_offset:interval,is_dst:bool
pg_transform oid:oid,trftype:oid,trflang:oid,trffromsql:regproc,trftosql:regproc
pg_trigger oid:oid,tgrelid:oid,tgparentid:oid,tgname:name,tgfoid:oid,tgtype:int2,tgenabled:char,tgisinternal:bool,tgconstrrelid:oid,tgconstrindid:oid,tgconstraint:oid,tgdeferrable:bool,tginitdeferred:bool,tgnargs:int2,tgattr:int2vector,tgargs:bytea,tgqual:pg_node_tree,tgoldtable:name,tgnewtable:name
pg_ts_config oid:oid,cfgname:name,cfgnamespace:oid,cfgowner:oid,cfgparser:oid
pg_ts_config_map mapcfg:oid,maptokentype:int4,mapseqno:int4,mapdict:oid
pg_ts_dict oid:oid,dictname:name,dictnamespace:oid,dictowner:oid,dicttemplate:oid,dictinitoption:text
pg_ts_parser oid:oid,prsname:name,prsnamespace:oid,prsstart:regproc,prstoken:regproc,prsend:regproc,prsheadline:regproc,prslextype:regproc
pg_ts_template oid:oid,tmplname:name,tmplnamespace:oid,tmplinit:regproc,tmpllexize:regproc
pg_type oid:oid,typname:name,typnamespace:oid,typowner:oid,typlen:int2,typbyval:bool,typtype:char,typcategory:char,typispreferred:bool,typisdefined:bool,typdelim:char,typrelid:oid,typsubscript:regproc,typelem:oid,typarray:oid,typinput:regproc,typoutput:regproc,typreceive:regproc,typsend:regproc,typmodin:regproc,typmodout:regproc,typanalyze:regproc,typalign:char,typstorage:char,typnotnull:bool,typbasetype:oid,typtypmod:int4,typndims:int4,typcollation:oid,typdefaultbin:pg_node_tree,typdefault:text,typacl:_aclitem
pg_user usename:name,usesysid:oid,usecreatedb:bool,usesuper:bool,userepl:bool,usebypassrls:bool,passwd:text,valuntil:timestamptz,useconfig:_text
pg_user_mapping oid:oid,umuser:oid,umserver:oid,umoptions:_text
pg_user_mappings umid:oid,srvid:oid,srvname:name,umuser:oid,usename:name,umoptions:_text
pg_views schemaname:name,viewname:name,viewowner:name,definition:text
pg_wait_events type:text,name:text,description:text
`

/** Base, domain, range and pseudo types. */
export const systemTypes = String.raw`
information_schema.cardinal_number
information_schema.character_data
information_schema.sql_identifier
information_schema.time_stamp
information_schema.yes_or_no
_record
aclitem
any
anyarray
anycompatible
anycompatiblearray
anycompatiblemultirange
anycompatiblenonarray
anycompatiblerange
anyelement
anyenum
anymultirange
anynonarray
anyrange
bit
bool
box
bpchar
bytea
char
cid
cidr
circle
cstring
date
datemultirange
daterange
event_trigger
fdw_handler
float4
float8
gtsvector
index_am_handler
inet
int2
int4
int4multirange
int4range
int8
int8multirange
int8range
internal
interval
json
jsonb
jsonpath
language_handler
line
lseg
macaddr
macaddr8
money
name
numeric
nummultirange
numrange
oid
path
pg_brin_bloom_summary
pg_brin_minmax_multi_summary
pg_ddl_command
pg_dependencies
pg_lsn
pg_mcv_list
pg_ndistinct
pg_node_tree
pg_snapshot
point
polygon
record
refcursor
regclass
regcollation
regconfig
regdictionary
regnamespace
regoper
regoperator
regproc
regprocedure
regrole
regtype
table_am_handler
text
tid
time
timestamp
timestamptz
timetz
trigger
tsm_handler
tsmultirange
tsquery
tsrange
tstzmultirange
tstzrange
tsvector
txid_snapshot
unknown
uuid
varbit
varchar
void
xid
xid8
xml
`

/** Name, left type, right type; none for a missing side. */
export const systemOperators = String.raw`
!! none tsquery
!~ bpchar text
!~ name text
!~ text text
!~* bpchar text
!~* name text
!~* text text
!~~ bpchar text
!~~ bytea bytea
!~~ name text
!~~ text text
!~~* bpchar text
!~~* name text
!~~* text text
# bit bit
# box box
# int2 int2
# int4 int4
# int8 int8
# line line
# lseg lseg
# none path
# none polygon
## line lseg
## lseg box
## lseg lseg
## point box
## point line
## point lseg
#- jsonb _text
#> json _text
#> jsonb _text
#>> json _text
#>> jsonb _text
% int2 int2
% int4 int4
% int8 int8
% numeric numeric
& bit bit
& inet inet
& int2 int2
& int4 int4
& int8 int8
& macaddr macaddr
& macaddr8 macaddr8
&& anyarray anyarray
&& anymultirange anymultirange
&& anymultirange anyrange
&& anyrange anymultirange
&& anyrange anyrange
&& box box
&& circle circle
&& inet inet
&& polygon polygon
&& tsquery tsquery
&< anymultirange anymultirange
&< anymultirange anyrange
&< anyrange anymultirange
&< anyrange anyrange
&< box box
&< circle circle
&< polygon polygon
&<| box box
&<| circle circle
&<| polygon polygon
&> anymultirange anymultirange
&> anymultirange anyrange
&> anyrange anymultirange
&> anyrange anyrange
&> box box
&> circle circle
&> polygon polygon
* anymultirange anymultirange
* anyrange anyrange
* box point
* circle point
* float4 float4
* float4 float8
* float4 money
* float8 float4
* float8 float8
* float8 interval
* float8 money
* int2 int2
* int2 int4
* int2 int8
* int2 money
* int4 int2
* int4 int4
* int4 int8
* int4 money
* int8 int2
* int8 int4
* int8 int8
* int8 money
* interval float8
* money float4
* money float8
* money int2
* money int4
* money int8
* numeric numeric
* path point
* point point
*< record record
*<= record record
*<> record record
*= record record
*> record record
*>= record record
+ _aclitem aclitem
+ anymultirange anymultirange
+ anyrange anyrange
+ box point
+ circle point
+ date int4
+ date interval
+ date time
+ date timetz
+ float4 float4
+ float4 float8
+ float8 float4
+ float8 float8
+ inet int8
+ int2 int2
+ int2 int4
+ int2 int8
+ int4 date
+ int4 int2
+ int4 int4
+ int4 int8
+ int8 inet
+ int8 int2
+ int8 int4
+ int8 int8
+ interval date
+ interval interval
+ interval time
+ interval timestamp
+ interval timestamptz
+ interval timetz
+ money money
+ none float4
+ none float8
+ none int2
+ none int4
+ none int8
+ none numeric
+ numeric numeric
+ numeric pg_lsn
+ path path
+ path point
+ pg_lsn numeric
+ point point
+ time date
+ time interval
+ timestamp interval
+ timestamptz interval
+ timetz date
+ timetz interval
- _aclitem aclitem
- anymultirange anymultirange
- anyrange anyrange
- box point
- circle point
- date date
- date int4
- date interval
- float4 float4
- float4 float8
- float8 float4
- float8 float8
- inet inet
- inet int8
- int2 int2
- int2 int4
- int2 int8
- int4 int2
- int4 int4
- int4 int8
- int8 int2
- int8 int4
- int8 int8
- interval interval
- jsonb _text
- jsonb int4
- jsonb text
- money money
- none float4
- none float8
- none int2
- none int4
- none int8
- none interval
- none numeric
- numeric numeric
- path point
- pg_lsn numeric
- pg_lsn pg_lsn
- point point
- time interval
- time time
- timestamp interval
- timestamp timestamp
- timestamptz interval
- timestamptz timestamptz
- timetz interval
-> json int4
-> json text
-> jsonb int4
-> jsonb text
->> json int4
->> json text
->> jsonb int4
->> jsonb text
-|- anymultirange anymultirange
-|- anymultirange anyrange
-|- anyrange anymultirange
-|- anyrange anyrange
/ box point
/ circle point
/ float4 float4
/ float4 float8
/ float8 float4
/ float8 float8
/ int2 int2
/ int2 int4
/ int2 int8
/ int4 int2
/ int4 int4
/ int4 int8
/ int8 int2
/ int8 int4
/ int8 int8
/ interval float8
/ money float4
/ money float8
/ money int2
/ money int4
/ money int8
/ money money
/ numeric numeric
/ path point
/ point point
< anyarray anyarray
< anyenum anyenum
< anymultirange anymultirange
< anyrange anyrange
< bit bit
< bool bool
< box box
< bpchar bpchar
< bytea bytea
< char char
< circle circle
< date date
< date timestamp
< date timestamptz
< float4 float4
< float4 float8
< float8 float4
< float8 float8
< inet inet
< int2 int2
< int2 int4
< int2 int8
< int4 int2
< int4 int4
< int4 int8
< int8 int2
< int8 int4
< int8 int8
< interval interval
< jsonb jsonb
< lseg lseg
< macaddr macaddr
< macaddr8 macaddr8
< money money
< name name
< name text
< numeric numeric
< oid oid
< oidvector oidvector
< path path
< pg_lsn pg_lsn
< record record
< text name
< text text
< tid tid
< time time
< timestamp date
< timestamp timestamp
< timestamp timestamptz
< timestamptz date
< timestamptz timestamp
< timestamptz timestamptz
< timetz timetz
< tsquery tsquery
< tsvector tsvector
< uuid uuid
< varbit varbit
< xid8 xid8
<-> box box
<-> box lseg
<-> box point
<-> circle circle
<-> circle point
<-> circle polygon
<-> line line
<-> line lseg
<-> line point
<-> lseg box
<-> lseg line
<-> lseg lseg
<-> lseg point
<-> path path
<-> path point
<-> point box
<-> point circle
<-> point line
<-> point lseg
<-> point path
<-> point point
<-> point polygon
<-> polygon circle
<-> polygon point
<-> polygon polygon
<-> tsquery tsquery
<< anymultirange anymultirange
<< anymultirange anyrange
<< anyrange anymultirange
<< anyrange anyrange
<< bit int4
<< box box
<< circle circle
<< inet inet
<< int2 int4
<< int4 int4
<< int8 int4
<< point point
<< polygon polygon
<<= inet inet
<<| box box
<<| circle circle
<<| point point
<<| polygon polygon
<= anyarray anyarray
<= anyenum anyenum
<= anymultirange anymultirange
<= anyrange anyrange
<= bit bit
<= bool bool
<= box box
<= bpchar bpchar
<= bytea bytea
<= char char
<= circle circle
<= date date
<= date timestamp
<= date timestamptz
<= float4 float4
<= float4 float8
<= float8 float4
<= float8 float8
<= inet inet
<= int2 int2
<= int2 int4
<= int2 int8
<= int4 int2
<= int4 int4
<= int4 int8
<= int8 int2
<= int8 int4
<= int8 int8
<= interval interval
<= jsonb jsonb
<= lseg lseg
<= macaddr macaddr
<= macaddr8 macaddr8
<= money money
<= name name
<= name text
<= numeric numeric
<= oid oid
<= oidvector oidvector
<= path path
<= pg_lsn pg_lsn
<= record record
<= text name
<= text text
<= tid tid
<= time time
<= timestamp date
<= timestamp timestamp
<= timestamp timestamptz
<= timestamptz date
<= timestamptz timestamp
<= timestamptz timestamptz
<= timetz timetz
<= tsquery tsquery
<= tsvector tsvector
<= uuid uuid
<= varbit varbit
<= xid8 xid8
<> anyarray anyarray
<> anyenum anyenum
<> anymultirange anymultirange
<> anyrange anyrange
<> bit bit
<> bool bool
<> bpchar bpchar
<> bytea bytea
<> char char
<> circle circle
<> date date
<> date timestamp
<> date timestamptz
<> float4 float4
<> float4 float8
<> float8 float4
<> float8 float8
<> inet inet
<> int2 int2
<> int2 int4
<> int2 int8
<> int4 int2
<> int4 int4
<> int4 int8
<> int8 int2
<> int8 int4
<> int8 int8
<> interval interval
<> jsonb jsonb
<> lseg lseg
<> macaddr macaddr
<> macaddr8 macaddr8
<> money money
<> name name
<> name text
<> numeric numeric
<> oid oid
<> oidvector oidvector
<> pg_lsn pg_lsn
<> point point
<> record record
<> text name
<> text text
<> tid tid
<> time time
<> timestamp date
<> timestamp timestamp
<> timestamp timestamptz
<> timestamptz date
<> timestamptz timestamp
<> timestamptz timestamptz
<> timetz timetz
<> tsquery tsquery
<> tsvector tsvector
<> uuid uuid
<> varbit varbit
<> xid int4
<> xid xid
<> xid8 xid8
<@ anyarray anyarray
<@ anyelement anymultirange
<@ anyelement anyrange
<@ anymultirange anymultirange
<@ anymultirange anyrange
<@ anyrange anymultirange
<@ anyrange anyrange
<@ box box
<@ circle circle
<@ jsonb jsonb
<@ lseg box
<@ lseg line
<@ point box
<@ point circle
<@ point line
<@ point lseg
<@ point path
<@ point polygon
<@ polygon polygon
<@ tsquery tsquery
<^ box box
<^ point point
= aclitem aclitem
= anyarray anyarray
= anyenum anyenum
= anymultirange anymultirange
= anyrange anyrange
= bit bit
= bool bool
= box box
= bpchar bpchar
= bytea bytea
= char char
= cid cid
= circle circle
= date date
= date timestamp
= date timestamptz
= float4 float4
= float4 float8
= float8 float4
= float8 float8
= inet inet
= int2 int2
= int2 int4
= int2 int8
= int4 int2
= int4 int4
= int4 int8
= int8 int2
= int8 int4
= int8 int8
= interval interval
= jsonb jsonb
= line line
= lseg lseg
= macaddr macaddr
= macaddr8 macaddr8
= money money
= name name
= name text
= numeric numeric
= oid oid
= oidvector oidvector
= path path
= pg_lsn pg_lsn
= record record
= text name
= text text
= tid tid
= time time
= timestamp date
= timestamp timestamp
= timestamp timestamptz
= timestamptz date
= timestamptz timestamp
= timestamptz timestamptz
= timetz timetz
= tsquery tsquery
= tsvector tsvector
= uuid uuid
= varbit varbit
= xid int4
= xid xid
= xid8 xid8
> anyarray anyarray
> anyenum anyenum
> anymultirange anymultirange
> anyrange anyrange
> bit bit
> bool bool
> box box
> bpchar bpchar
> bytea bytea
> char char
> circle circle
> date date
> date timestamp
> date timestamptz
> float4 float4
> float4 float8
> float8 float4
> float8 float8
> inet inet
> int2 int2
> int2 int4
> int2 int8
> int4 int2
> int4 int4
> int4 int8
> int8 int2
> int8 int4
> int8 int8
> interval interval
> jsonb jsonb
> lseg lseg
> macaddr macaddr
> macaddr8 macaddr8
> money money
> name name
> name text
> numeric numeric
> oid oid
> oidvector oidvector
> path path
> pg_lsn pg_lsn
> record record
> text name
> text text
> tid tid
> time time
> timestamp date
> timestamp timestamp
> timestamp timestamptz
> timestamptz date
> timestamptz timestamp
> timestamptz timestamptz
> timetz timetz
> tsquery tsquery
> tsvector tsvector
> uuid uuid
> varbit varbit
> xid8 xid8
>= anyarray anyarray
>= anyenum anyenum
>= anymultirange anymultirange
>= anyrange anyrange
>= bit bit
>= bool bool
>= box box
>= bpchar bpchar
>= bytea bytea
>= char char
>= circle circle
>= date date
>= date timestamp
>= date timestamptz
>= float4 float4
>= float4 float8
>= float8 float4
>= float8 float8
>= inet inet
>= int2 int2
>= int2 int4
>= int2 int8
>= int4 int2
>= int4 int4
>= int4 int8
>= int8 int2
>= int8 int4
>= int8 int8
>= interval interval
>= jsonb jsonb
>= lseg lseg
>= macaddr macaddr
>= macaddr8 macaddr8
>= money money
>= name name
>= name text
>= numeric numeric
>= oid oid
>= oidvector oidvector
>= path path
>= pg_lsn pg_lsn
>= record record
>= text name
>= text text
>= tid tid
>= time time
>= timestamp date
>= timestamp timestamp
>= timestamp timestamptz
>= timestamptz date
>= timestamptz timestamp
>= timestamptz timestamptz
>= timetz timetz
>= tsquery tsquery
>= tsvector tsvector
>= uuid uuid
>= varbit varbit
>= xid8 xid8
>> anymultirange anymultirange
>> anymultirange anyrange
>> anyrange anymultirange
>> anyrange anyrange
>> bit int4
>> box box
>> circle circle
>> inet inet
>> int2 int4
>> int4 int4
>> int8 int4
>> point point
>> polygon polygon
>>= inet inet
>^ box box
>^ point point
? jsonb text
?# box box
?# line box
?# line line
?# lseg box
?# lseg line
?# lseg lseg
?# path path
?& jsonb _text
?- none line
?- none lseg
?- point point
?-| line line
?-| lseg lseg
?| jsonb _text
?| none line
?| none lseg
?| point point
?|| line line
?|| lseg lseg
@ none float4
@ none float8
@ none int2
@ none int4
@ none int8
@ none numeric
@-@ none lseg
@-@ none path
@> _aclitem aclitem
@> anyarray anyarray
@> anymultirange anyelement
@> anymultirange anymultirange
@> anymultirange anyrange
@> anyrange anyelement
@> anyrange anymultirange
@> anyrange anyrange
@> box box
@> box point
@> circle circle
@> circle point
@> jsonb jsonb
@> path point
@> polygon point
@> polygon polygon
@> tsquery tsquery
@? jsonb jsonpath
@@ jsonb jsonpath
@@ none box
@@ none circle
@@ none lseg
@@ none polygon
@@ text text
@@ text tsquery
@@ tsquery tsvector
@@ tsvector tsquery
@@@ tsquery tsvector
@@@ tsvector tsquery
^ float8 float8
^ numeric numeric
^@ text text
| bit bit
| inet inet
| int2 int2
| int4 int4
| int8 int8
| macaddr macaddr
| macaddr8 macaddr8
|&> box box
|&> circle circle
|&> polygon polygon
|/ none float8
|>> box box
|>> circle circle
|>> point point
|>> polygon polygon
|| anycompatible anycompatiblearray
|| anycompatiblearray anycompatible
|| anycompatiblearray anycompatiblearray
|| anynonarray text
|| bytea bytea
|| jsonb jsonb
|| text anynonarray
|| text text
|| tsquery tsquery
|| tsvector tsvector
|| varbit varbit
||/ none float8
~ bpchar text
~ name text
~ none bit
~ none inet
~ none int2
~ none int4
~ none int8
~ none macaddr
~ none macaddr8
~ text text
~* bpchar text
~* name text
~* text text
~<=~ bpchar bpchar
~<=~ text text
~<~ bpchar bpchar
~<~ text text
~= box box
~= circle circle
~= point point
~= polygon polygon
~>=~ bpchar bpchar
~>=~ text text
~>~ bpchar bpchar
~>~ text text
~~ bpchar text
~~ bytea bytea
~~ name text
~~ text text
~~* bpchar text
~~* name text
~~* text text
`
