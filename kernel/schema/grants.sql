-- What the app role may do, stated anew after every migration: the app owns nothing and cannot rewrite the audit log.
revoke all on all tables in schema public from hexad_app;
revoke create on schema public from public;
grant usage on schema public, pgmq to hexad_app;
grant select on all tables in schema public to hexad_app;
grant insert, update, delete on outbox, job, worker, schedule_run, probe, trading_day, session, idempotency to hexad_app;
grant insert, update, delete on unit_under, assignment, role_permission, one_time_code, refresh_token, oidc_request,
    sign_in_attempt, customer_left to hexad_app;
grant insert, update, delete on gateway_signature, sms_lease, sms_leased, email_attempt to hexad_app;
grant insert, update, delete on email_deferred to hexad_app; -- what waits for its time goes when it was offered
grant insert, update on sending_rate to hexad_app;
grant insert, update, delete on broadcast_count to hexad_app; -- added up, by one at a time
grant insert, update on unit, employee, role, credential, device, customer, relation, account, contact, preference, reveal,
    delivery to hexad_app; -- what others refer to is ended, never deleted
grant insert, update on product, contract, subscription, advisory_position, product_view to hexad_app;
grant insert on suitability, product_view_reader to hexad_app;
grant insert, update, delete on assessment to hexad_app; -- a corrected day of a daily feed replaces its rows
grant maintain on product, contract, assessment to hexad_app;
grant insert, update on notice, template, template_version, consent, suppression, broadcast, outgoing, receipt, inbound,
    reminder_rule, reminder to hexad_app;
grant insert, update, delete on bounce_tally to hexad_app;
grant delete on suppression to hexad_app; -- lifted: the audit log says by whom and why
grant delete on receipt, inbound to hexad_app; -- forged ones, and what has outlived its purpose
grant insert, update on conversation, participant, former_holder, staff_status to hexad_app;
grant insert on message, rating to hexad_app; -- what was said stays as it was said
grant insert, update, delete on attendance to hexad_app;
grant maintain on unit, employee, customer, relation, account to hexad_app; -- a load analyses what it has filled
grant insert (action, noun, noun_id, before, after, reason) on audit to hexad_app;
grant insert on key_mark to hexad_app; -- a wrong key cannot take the place of the right one
grant insert on audit_unsealed, audit_seal to hexad_app;
grant delete on audit_unsealed to hexad_app;
grant usage on all sequences in schema public to hexad_app;
grant select, insert, update, delete on all tables in schema pgmq to hexad_app;
grant usage, select on all sequences in schema pgmq to hexad_app;
grant execute on all functions in schema pgmq to hexad_app;
