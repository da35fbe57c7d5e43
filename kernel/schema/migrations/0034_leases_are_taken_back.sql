-- A lease that has ended is claimed before its message goes back to the queue, so that no row is held while the broker answers.
alter table sms_lease add column taken_back_until timestamptz;
