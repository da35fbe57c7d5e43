-- name: make(table, ahead, most)$
-- scope: none, the function moves rows that nobody reads meanwhile from one part of a table into another
select make_months(:table, now(), :ahead, :most);

-- name: outlived(table, window)$
-- scope: none, the catalogue
select coalesce(array_agg(to_char(month, 'YYYY-MM') order by month), '{}')
  from months_of(:table) as month
 where month + interval '1 month' <= (now() - :window::interval) at time zone 'UTC';
