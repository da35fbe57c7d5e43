-- name: left(gateway, channel, purpose, sender, rate, most)$
-- scope: none, numbers of messages alone
select case when at > clock_timestamp() + interval '1 second' then :most::float8 -- the clock was ahead then
            else least(:most::float8,
                       tokens + :rate::float8 * greatest(extract(epoch from clock_timestamp() - at), 0))::float8 end
  from sending_rate
 where gateway = :gateway and channel = :channel and purpose = :purpose and sender = :sender;

-- name: spend(gateway, channel, purpose, sender, rate, most, number)!
-- scope: none, numbers of messages alone
insert into sending_rate as r (gateway, channel, purpose, sender, tokens)
values (:gateway, :channel, :purpose, :sender, :most::float8 - :number::float8)
    on conflict (gateway, channel, purpose, sender) do update
   set tokens = case when r.at > clock_timestamp() + interval '1 second' then :most::float8
                     else least(:most::float8, r.tokens + :rate::float8
                                * greatest(extract(epoch from clock_timestamp() - r.at)::float8, 0)) end
                - :number::float8,
       at = clock_timestamp();
