-- name: apply(principal, kind, unit, session, device, request)$
-- scope: none, this is what sets it; gone when the transaction ends
select set_config('hexad.principal', :principal, true), set_config('hexad.scope', :kind, true),
       set_config('hexad.unit', :unit, true), set_config('hexad.session', :session, true),
       set_config('hexad.device', :device, true), set_config('hexad.request', :request, true);
