-- What the generator of src/gen/system.ts asks a plain PostgreSQL 18: functions, relations and types of the system schemas.
-- Run as superuser on a freshly made cluster: psql -XAtq -f system.sql > system.txt
select 'F', n.nspname, p.proname, max(p.provolatile::text), bool_or(p.proretset), max(p.prokind::text),
       case when count(distinct p.prorettype) = 1 then max(tn.nspname || '.' || t.typname) else '' end,
       coalesce(max((select string_agg(a.name || ':' || an.nspname || '.' || at.typname, ',' order by a.ord)
                     from unnest(p.proargnames, p.proallargtypes, p.proargmodes) with ordinality a(name, type, mode, ord)
                     join pg_type at on at.oid = a.type join pg_namespace an on an.oid = at.typnamespace
                     where a.mode in ('o', 'b', 't'))), ''),
       bool_or(p.provolatile = 'v'),
       bool_and(exists (select from unnest(p.proargtypes::oid[] || p.prorettype) x(type)
                        where x.type::regtype::text in ('internal', 'cstring', 'trigger', 'event_trigger', 'fdw_handler',
                          'index_am_handler', 'table_am_handler', 'tsm_handler', 'language_handler', 'pg_ddl_command')))
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
join pg_type t on t.oid = p.prorettype
join pg_namespace tn on tn.oid = t.typnamespace
where n.nspname in ('pg_catalog', 'information_schema') and p.oid < 16384
  and p.proname not like 'plpgsql%'
group by 2, 3
order by 2, 3;

select 'R', n.nspname, c.relname,
       string_agg(a.attname || ':' || tn.nspname || '.' || t.typname, ',' order by a.attnum)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
join pg_namespace tn on tn.oid = t.typnamespace
where n.nspname in ('pg_catalog', 'information_schema') and c.relkind in ('r', 'v') and c.oid < 16384
group by 2, 3
order by 2, 3;

select 'T', n.nspname, t.typname
from pg_type t
join pg_namespace n on n.oid = t.typnamespace
where n.nspname in ('pg_catalog', 'information_schema') and t.oid < 16384 and t.typcategory <> 'A'
  and not exists (select from pg_class c where c.oid = t.typrelid and c.relkind <> 'c')
order by 2, 3;

select 'O', o.oprname || ' ' || coalesce(l.typname, 'none') || ' ' || coalesce(r.typname, 'none')
from pg_operator o
left join pg_type l on l.oid = o.oprleft
left join pg_type r on r.oid = o.oprright
where o.oprnamespace = 'pg_catalog'::regnamespace and o.oid < 16384
order by 2;
