-- name: apply(principal, kind, employees, branches, customer, session, device, request)$
-- scope: none, this is what sets it; gone when the transaction ends
select set_config('hexad.principal', :principal, true), set_config('hexad.scope', :kind, true),
       set_config('hexad.employees', :employees, true), set_config('hexad.branches', :branches, true),
       set_config('hexad.customer', :customer, true), set_config('hexad.session', :session, true),
       set_config('hexad.device', :device, true), set_config('hexad.request', :request, true);

-- name: apply_reading(principal, kind, employees, branches, customer)$
-- scope: none, this is what sets it; it stays with the connection, which can only read until it is unset
select set_config('hexad.principal', :principal, false), set_config('hexad.scope', :kind, false),
       set_config('hexad.employees', :employees, false), set_config('hexad.branches', :branches, false),
       set_config('hexad.customer', :customer, false), set_config('default_transaction_read_only', 'on', false);
