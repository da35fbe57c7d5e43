-- What the house tells by itself is there in both languages, and the reader's is shown.
alter table notice add column title_en text, add column body_en text;
alter table notice add check (num_nulls(title_en, body_en) <> 1);
