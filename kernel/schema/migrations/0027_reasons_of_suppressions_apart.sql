-- An address has a suppression for each reason, with the message and the time it came from: lifting one leaves the other.
alter table suppression drop constraint suppression_pkey;
alter table suppression add primary key (customer_id, channel, address, reason);
