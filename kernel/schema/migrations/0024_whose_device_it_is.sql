-- Single sign-on asks whether anybody has signed in on a device before it is said who they are.
create index device_anybodys on device (device_id, audience);
