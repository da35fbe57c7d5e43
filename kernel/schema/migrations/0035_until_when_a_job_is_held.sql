--
-- A claim ends by itself though its worker lives, and a job that failed is not taken before its pause is over.
alter table job add column held_until timestamptz;
