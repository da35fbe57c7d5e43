-- DuckDB: what is wrong with a value of each kind, in words, null when it is right. Every value comes as text.
-- Those that turn the direction of writing among them, as in NO_CONTROLS of mobile_contracts/base.py.
create macro has_control(x) as regexp_matches(
    x, '[\x00-\x1f\x7f\x{80}-\x{9f}\x{2028}\x{2029}\x{202a}-\x{202e}\x{2066}-\x{2069}]');
-- Text of which nothing can be seen, as BLANK there; a plain blank is looked for first, most text has none.
create macro is_blank(x) as trim(x) = '' or regexp_full_match(x, '[\s\x0b\x1c-\x1f\x{85}\x{a0}\x{ad}\x{34f}\x{61c}'
    || '\x{115f}\x{1160}\x{1680}\x{17b4}\x{17b5}\x{180b}-\x{180f}\x{2000}-\x{200f}\x{2028}-\x{202f}\x{205f}-\x{206f}'
    || '\x{2800}\x{3000}\x{3164}\x{fe00}-\x{fe0f}\x{feff}\x{ffa0}\x{fff0}-\x{fff8}\x{1bca0}-\x{1bca3}'
    || '\x{1d173}-\x{1d17a}\x{e0000}-\x{e0fff}]*');

create macro fault_code(x) as case
    when not regexp_full_match(x, '[A-Za-z0-9_.:/-]{1,32}') or x in ('.', '..') -- as CODE of mobile_contracts/base.py
    then 'is no code of 1 to 32 letters, digits or _ . : / -' end;
create macro fault_unit(x) as case
    when not regexp_full_match(x, '[A-Za-z0-9_.-]{1,20}') then 'is no code of 1 to 20 letters, digits or _ . -' end;
create macro fault_plain(x, most) as case
    when length(x) > most then 'is longer than ' || most || ' characters'
    when has_control(x) then 'has a control character'
    when is_blank(x) then 'is blank' end;
create macro fault_text(x) as fault_plain(x, 100);
create macro fault_long_text(x) as fault_plain(x, 300);
create macro fault_mobile(x) as fault_plain(x, 40);
create macro fault_id_no(x) as fault_plain(x, 60);

create macro fault_date(x) as case
    when length(x) <> 10 or try_cast(x as date)::varchar is distinct from x then 'is no day such as 2026-11-20' end;
create macro fault_time(x) as case
    when length(x) <> 8 or x >= '24' or try_cast(x as time)::varchar is distinct from x
    then 'is no time such as 09:30:00' end;
create macro fault_boolean(x) as case when x not in ('true', 'false') then 'is neither true nor false' end;
create macro fault_decimal(x, digits, scale) as case
    when not regexp_full_match(x, '-?[0-9]{1,' || digits || '}(\.[0-9]{1,' || scale || '})?')
    then 'is no number with at most ' || digits || ' digits before and ' || scale || ' after the point' end;
create macro fault_money(x) as fault_decimal(x, 16, 2);
create macro fault_quantity(x) as fault_decimal(x, 16, 2);
create macro fault_price(x) as fault_decimal(x, 8, 4);
create macro fault_share(x) as case
    when not regexp_full_match(x, '0(\.[0-9]{1,4})?|1(\.0{1,4})?') or try_cast(x as decimal(5, 4)) = 0
    then 'is no share above 0 and up to 1, with at most 4 digits after the point' end;
create macro fault_number(x) as case when not regexp_full_match(x, '[0-9]{1,9}') then 'is no whole number' end;
create macro fault_over(x, most) as case when try_cast(x as bigint) > most then 'is more than ' || most end;
create macro fault_negative(x) as case when regexp_matches(x, '^-.*[1-9]') then 'is negative' end;

-- What may well be wrong, and is loaded all the same: a remark in the report.
create macro doubt_birthday(x, today) as x > today;
create macro birth_date(x) as case length(x) when 18 then substr(x, 7, 8) when 15 then '19' || substr(x, 7, 6) end;
create macro doubt_id_no(x, today) as
    regexp_full_match(x, '[0-9]{15}([0-9]{2}[0-9Xx])?')
    and coalesce(try_strptime(birth_date(x), '%Y%m%d') > today::timestamp, true);

-- The forms that need no second look; whatever else there is goes to kernel.text.personal.
create macro plain_mobile(x) as regexp_full_match(x, '(\+?86|0086)?1[3-9][0-9]{9}');
create macro digit(n, place) as n // place % 10;
create macro check_digit(n) as '10X98765432'[
    (digit(n, 10000000000000000) * 7 + digit(n, 1000000000000000) * 9 + digit(n, 100000000000000) * 10
     + digit(n, 10000000000000) * 5 + digit(n, 1000000000000) * 8 + digit(n, 100000000000) * 4
     + digit(n, 10000000000) * 2 + digit(n, 1000000000) + digit(n, 100000000) * 6 + digit(n, 10000000) * 3
     + digit(n, 1000000) * 7 + digit(n, 100000) * 9 + digit(n, 10000) * 10 + digit(n, 1000) * 5 + digit(n, 100) * 8
     + digit(n, 10) * 4 + digit(n, 1) * 2) % 11 + 1];
create macro plain_id_no(x) as
    coalesce(concat(left(x, 17), check_digit(try_cast(left(x, 17) as bigint))) = x, false)
    and regexp_full_match(x, '[0-9]{17}[0-9X]');

-- A number without what says nothing: 0.5000 is 0.5, 007 is 7, 1. is 1, -0.0 is 0.
create macro shortest(x) as case when regexp_full_match(x, '0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.[0-9]*[1-9]') then x
    else regexp_replace(regexp_replace(regexp_replace(
        x, '^(-?)0+([0-9])', '\1\2'), '\.0*$|(\.[0-9]*[1-9])0+$', '\1'), '^-0$', '0') end;
-- A day at midnight is a day.
create macro midnight(x) as regexp_replace(x, ' 00:00:00$', '');
create macro digest(secret, x) as md5(secret || x);
create macro known(x) as coalesce(x, '');
create macro filled(x) as nullif(x, '');
