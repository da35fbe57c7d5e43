-- name: find(product_code)^
-- record_class: Product
-- scope: none, products belong to nobody
select product_code, name, category, risk_level, price, period_days, status, version
  from product
 where product_code = :product_code;

-- name: list_products(after, size, category, status, most_level, text)
-- record_class: Product
-- scope: none, products belong to nobody
select product_code, name, category, risk_level, price, period_days, status, version
  from product
 where product_code > :after
   and (:category::text is null or category = :category)
   and (:status::text is null or status = :status)
   and risk_level <= :most_level
   and (:text::text is null or product_code = :text or strpos(folded(name), (select folded(:text))) > 0)
 order by product_code
 limit :size;

-- name: subscribed(customer, codes)
select distinct product_code
  from contract
 where customer_id = :customer and product_code = any (:codes::text[])
   and holds(signed_on, ended_on);

-- name: agreement(language)^
-- record_class: Agreement
-- scope: none, agreements belong to nobody
select version, case when :language = 'zh' then title_zh else title_en end as title,
       case when :language = 'zh' then text_zh else text_en end as text
  from agreement
 order by version desc
 limit 1;
