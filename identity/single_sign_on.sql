-- name: start(state, nonce, verifier, device_id, seconds)!
-- scope: none, whoever signs in has no scope yet
insert into oidc_request (state, nonce, verifier, device_id, expires_at)
values (:state, :nonce, :verifier, :device_id, now() + make_interval(secs => :seconds));

-- name: take(state)^
-- scope: none, whoever signs in has no scope yet; taken once
delete from oidc_request where state = :state returning nonce, verifier, device_id, expires_at > now() as in_time;
