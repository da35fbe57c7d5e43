-- Products, contracts and assessments as delivered; questionnaire, suitability, subscription, advisers' views.
alter table one_time_code drop constraint one_time_code_purpose_check;
alter table one_time_code add constraint one_time_code_purpose_check
    check (purpose in ('sign_in', 'password', 'activate', 'subscribe'));
alter table one_time_code add column about text not null default '';

create table product (
    product_code  text primary key,
    name          text not null,
    category      text not null check (category in ('financial', 'information', 'advisory')),
    risk_level    smallint not null check (risk_level between 1 and 5),
    price         numeric(12, 4) check (price >= 0),
    period_days   integer check (period_days >= 0),
    status        text not null check (status in ('on', 'off')),
    source        text not null,
    digest        bytea not null,        -- of the delivered row; empty: it is delivered no more
    changed_in    xid8 not null default pg_current_xact_id(),
    version       bigint not null default nextval('row_version')
);

-- References are proven by the loader over whole sets, as those of `account` are.
create table contract (
    contract_no   text primary key,
    customer_id   integer not null references customer not enforced,
    product_code  text not null references product not enforced,
    kind          text not null check (kind in ('advisory', 'service', 'product', 'trial')),
    signed_on     date not null,
    ended_on      date check (ended_on >= signed_on),     -- the first day on which it no longer holds
    polled        boolean not null default false,         -- told by the platform before any delivery had it
    source        text not null,
    digest        bytea not null,
    changed_in    xid8 not null default pg_current_xact_id()
);
create index contract_customer on contract (customer_id, product_code) include (signed_on, ended_on);
create index contract_product on contract (product_code, customer_id) include (signed_on, ended_on);

-- The suitability questionnaire (适当性问卷) that investors answer themselves; the newest version is asked.
create table questionnaire (
    version       integer primary key,
    valid_days    integer not null check (valid_days between 1 and 3660),
    published_at  timestamptz not null default now()
);

create table question (
    version  integer not null references questionnaire,
    number   smallint not null check (number between 1 and 50),
    text_zh  text not null,
    text_en  text not null,
    primary key (version, number)
);

create table question_choice (
    version  integer not null,
    number   smallint not null,
    letter   text not null check (letter ~ '^[A-H]$'),
    points   smallint not null check (points between 0 and 100),
    text_zh  text not null,
    text_en  text not null,
    primary key (version, number, letter),
    foreign key (version, number) references question
);

-- Every answered questionnaire, delivered or given here: a customer's newest one is the one that counts.
create table assessment (
    customer_id            integer not null references customer not enforced,
    at                     timestamptz not null,
    source                 text not null,                 -- the source system; 'hexad': answered here
    day                    date,                          -- of the delivery
    score                  smallint not null check (score between 0 and 100),
    risk_level             smallint not null check (risk_level between 1 and 5),
    expires_on             date not null,                 -- the first day on which it no longer holds
    questionnaire_version  integer references questionnaire,
    answers                text,                          -- one letter per question, in their order
    digest                 bytea not null default '',
    changed_in             xid8 not null default pg_current_xact_id(),
    primary key (customer_id, at, source),
    check ((day is null) = (answers is not null)),
    check ((answers is null) = (questionnaire_version is null))
);
create index assessment_day on assessment (source, day) where day is not null;

-- What a customer can bear (风险承受能力) and until when, by whatever said so last: an assessment, or the source
-- system of the customer, whose level holds two years.
create view standing with (security_invoker) as
select c.id as customer_id, newest.at, newest.risk_level, newest.expires_on
  from customer c
  left join lateral (
      select told.at, told.risk_level, told.expires_on
        from (select a.at, a.risk_level, a.expires_on
                from assessment a
               where a.customer_id = c.id
               order by a.at desc, a.source desc
               limit 1) as told
      union all
      select c.risk_assessed_on::timestamp at time zone 'Asia/Shanghai', c.risk_level,
             (c.risk_assessed_on + interval '2 years')::date
       where c.risk_assessed_on is not null and c.risk_level is not null
       order by at desc
       limit 1) as newest on true;

-- Every decision whether a product suits a customer (适当性匹配), with what it was based on.
create table suitability (
    id             uuid primary key,
    customer_id    integer not null references customer not enforced,
    product_code   text not null references product,
    at             timestamptz not null default now(),
    purpose        text not null check (purpose in ('check', 'subscribe', 'message')),
    allowed        boolean not null,
    reason         text not null check (reason in ('suitable', 'no_questionnaire', 'questionnaire_expired', 'risk_too_high',
                                                   'product_withdrawn', 'customer_not_active')),
    product_level  smallint not null,
    level          smallint,             -- of the customer, as `standing` had it
    assessed_at    timestamptz,
    expires_on     date
);
create index suitability_customer on suitability (customer_id, id);

-- What an investor agrees to when subscribing; the newest version is the one in force.
create table agreement (
    version       integer primary key,
    title_zh      text not null,
    title_en      text not null,
    text_zh       text not null,
    text_en       text not null,
    published_at  timestamptz not null default now()
);

-- A subscription (签约): requested here, decided by the advisory platform.
create table subscription (
    id                 uuid primary key,
    customer_id        integer not null references customer not enforced,
    product_code       text not null references product,
    state              text not null default 'requested'
                       check (state in ('requested', 'confirmed', 'refused', 'failed', 'cancelled', 'expired')),
    reason             text not null default '',          -- why it was refused, failed or cancelled
    price              numeric(12, 4),                    -- as the investor saw and accepted it
    agreement_version  integer not null references agreement,
    suitability_id     uuid not null references suitability,
    channel            text not null check (channel in ('in_app', 'sms', 'email')),  -- how advisers' views come
    contract_no        text,
    requested_at       timestamptz not null default now(),
    decided_at         timestamptz,
    cancel_asked_at    timestamptz,
    tries              integer not null default 0,        -- how often the platform was asked for what is due now
    next_try_at        timestamptz,                       -- null: nothing is to be said to the platform
    problem            text not null default '',          -- what came of the last try, for staff
    changed_in         xid8 not null default pg_current_xact_id(),
    version            bigint not null default nextval('row_version')
);
create unique index subscription_open on subscription (customer_id, product_code) where state in ('requested', 'confirmed');
create unique index subscription_contract on subscription (contract_no) where contract_no is not null;
create index subscription_customer on subscription (customer_id, id);
create index subscription_due on subscription (next_try_at) where next_try_at is not null;

-- How far the platform's contracts were read.
create table advisory_position (
    platform    text primary key,
    position    bigint not null default 0,
    read_at     timestamptz,
    problem     text not null default ''
);

-- An adviser's view of a product (投顾观点), for its subscribers alone.
create table product_view (
    id            uuid primary key,
    product_code  text not null references product,
    employee_id   integer not null references employee,
    title         text not null check (length(title) between 1 and 100),
    body          text not null check (length(body) between 1 and 4000),
    published_at  timestamptz not null default now(),
    readers       integer                                 -- to how many it went; null: it is on its way
);
create index product_view_product on product_view (product_code, id);

-- Who was to get a view when it was published, and how.
create table product_view_reader (
    view_id      uuid not null references product_view,
    customer_id  integer not null references customer not enforced,
    channel      text not null check (channel in ('in_app', 'sms', 'email')),
    primary key (view_id, customer_id)
);

alter table contract enable row level security;
alter table contract force row level security;
create policy reach on contract using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = contract.customer_id)
    end);

alter table assessment enable row level security;
alter table assessment force row level security;
create policy reach on assessment using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = assessment.customer_id)
    end);

alter table suitability enable row level security;
alter table suitability force row level security;
create policy reach on suitability using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = suitability.customer_id)
    end);

alter table subscription enable row level security;
alter table subscription force row level security;
create policy reach on subscription using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = subscription.customer_id)
    end);

alter table product_view_reader enable row level security;
alter table product_view_reader force row level security;
create policy reach on product_view_reader using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = product_view_reader.customer_id)
    end);

-- Staff read every view; an investor those of products under a contract that holds today.
alter table product_view enable row level security;
alter table product_view force row level security;
create policy readers on product_view using (
    (select current_setting('hexad.scope', true)) in ('own', 'team', 'branch', 'region', 'company')
    or exists (
        select from contract c
         where c.product_code = product_view.product_code
           and c.customer_id = any ((select reached('hexad.customer', 'self'))::integer[])
           and c.signed_on <= current_date and (c.ended_on is null or c.ended_on > current_date)));

insert into questionnaire (version, valid_days) values (1, 730);

insert into question (version, number, text_zh, text_en) values
    (1, 1, '您的年龄是?', 'How old are you?'),
    (1, 2, '您的最高学历是?', 'What is your highest education?'),
    (1, 3, '您的家庭年收入(人民币)约为?', 'Your household''s yearly income in yuan is about'),
    (1, 4, '您的主要收入来源是?', 'Your income comes mainly from'),
    (1, 5, '可用于金融投资的资产占您家庭总资产的比例是?', 'Which share of your household''s assets can be invested?'),
    (1, 6, '您是否有尚未清偿的较大债务?', 'Do you have considerable debts?'),
    (1, 7, '您有多少年投资基金、股票、债券等产品的经验?', 'For how many years have you invested in funds, shares or bonds?'),
    (1, 8, '您投资过的风险最高的产品是?', 'The riskiest product that you have invested in is'),
    (1, 9, '您的投资知识可描述为?', 'Your knowledge of investing is'),
    (1, 10, '您是否修读过或从事过金融、经济、财会等领域?', 'Have you studied or worked in finance, economics or accounting?'),
    (1, 11, '您预计的投资期限是?', 'For how long do you plan to invest?'),
    (1, 12, '您投资的主要目的是?', 'Your main aim is'),
    (1, 13, '您打算重点投资于哪类品种?', 'You mean to invest mainly in'),
    (1, 14, '您能承受的最大投资损失是?', 'The largest loss that you can bear is'),
    (1, 15, '市场大跌,您的投资一个月内亏损 15%,您会?', 'Markets fall and you lose 15 % in a month. You would'),
    (1, 16, '以下哪项最符合您期望的收益与风险?', 'Which return and risk suits you best?'),
    (1, 17, '这笔投资资金近期可能的用途是?', 'This money may soon be needed for'),
    (1, 18, '您的收入在未来三年预计会?', 'Within three years your income will probably'),
    (1, 19, '投资亏损会对您的生活造成什么影响?', 'A loss would affect your life'),
    (1, 20, '您多久查看并评估一次自己的投资?', 'How often do you look at your investments?');

-- Points from 0 to 5 per question: 100 in all.
insert into question_choice (version, number, letter, points, text_zh, text_en) values
    (1, 1, 'A', 0, '70 岁及以上', '70 or over'),
    (1, 1, 'B', 2, '60–69 岁', '60 to 69'),
    (1, 1, 'C', 3, '18–29 岁', '18 to 29'),
    (1, 1, 'D', 4, '50–59 岁', '50 to 59'),
    (1, 1, 'E', 5, '30–49 岁', '30 to 49'),
    (1, 2, 'A', 0, '高中及以下', 'Secondary school or less'),
    (1, 2, 'B', 2, '大专', 'College'),
    (1, 2, 'C', 4, '本科', 'Bachelor'),
    (1, 2, 'D', 5, '硕士及以上', 'Master or above'),
    (1, 3, 'A', 0, '10 万元以下', 'Under 100,000'),
    (1, 3, 'B', 2, '10–30 万元', '100,000 to 300,000'),
    (1, 3, 'C', 4, '30–100 万元', '300,000 to 1 million'),
    (1, 3, 'D', 5, '100 万元以上', 'Over 1 million'),
    (1, 4, 'A', 0, '无固定收入', 'No fixed source'),
    (1, 4, 'B', 1, '退休金或社会保障', 'A pension or social security'),
    (1, 4, 'C', 3, '金融资产或房产收益', 'Financial assets or property'),
    (1, 4, 'D', 4, '生产经营所得', 'A business'),
    (1, 4, 'E', 5, '工资、劳务报酬', 'Salary or fees'),
    (1, 5, 'A', 0, '10% 以下', 'Under 10 %'),
    (1, 5, 'B', 2, '10%–25%', '10 to 25 %'),
    (1, 5, 'C', 4, '25%–50%', '25 to 50 %'),
    (1, 5, 'D', 5, '50% 以上', 'Over 50 %'),
    (1, 6, 'A', 0, '有,且来自亲友或信用借款', 'Yes, from friends, family or unsecured loans'),
    (1, 6, 'B', 2, '有,主要为经营性借款', 'Yes, mainly for a business'),
    (1, 6, 'C', 4, '有,主要为住房按揭', 'Yes, mainly a mortgage'),
    (1, 6, 'D', 5, '没有', 'No'),
    (1, 7, 'A', 0, '没有经验', 'None'),
    (1, 7, 'B', 1, '1 年以下', 'Under 1'),
    (1, 7, 'C', 3, '1–3 年', '1 to 3'),
    (1, 7, 'D', 4, '3–10 年', '3 to 10'),
    (1, 7, 'E', 5, '10 年以上', 'Over 10'),
    (1, 8, 'A', 0, '仅存款或国债', 'Deposits or government bonds only'),
    (1, 8, 'B', 1, '货币基金、银行理财', 'Money market funds, bank products'),
    (1, 8, 'C', 3, '债券基金、混合基金', 'Bond or mixed funds'),
    (1, 8, 'D', 4, '股票、股票型基金', 'Shares or share funds'),
    (1, 8, 'E', 5, '期货、期权、融资融券', 'Futures, options or margin trading'),
    (1, 9, 'A', 0, '有限:基本没有相关知识', 'Limited: hardly any'),
    (1, 9, 'B', 2, '一般:了解基本产品和风险', 'Fair: basic products and their risks'),
    (1, 9, 'C', 4, '较好:了解多种产品及其风险收益特征', 'Good: many products, their risks and returns'),
    (1, 9, 'D', 5, '丰富:理解复杂产品及其风险', 'Broad: complex products and their risks'),
    (1, 10, 'A', 0, '没有', 'No'),
    (1, 10, 'B', 2, '读过相关书籍或课程', 'Books or courses'),
    (1, 10, 'C', 4, '取得相关专业学位', 'A degree'),
    (1, 10, 'D', 5, '有从业资格或工作经历', 'A qualification or work in the field'),
    (1, 11, 'A', 0, '3 个月以内', 'Up to 3 months'),
    (1, 11, 'B', 2, '3 个月至 1 年', '3 months to 1 year'),
    (1, 11, 'C', 3, '1–3 年', '1 to 3 years'),
    (1, 11, 'D', 4, '3–5 年', '3 to 5 years'),
    (1, 11, 'E', 5, '5 年以上', 'Over 5 years'),
    (1, 12, 'A', 0, '保证本金安全,不愿承担风险', 'To keep the capital safe, without risk'),
    (1, 12, 'B', 2, '跑赢通货膨胀', 'To beat inflation'),
    (1, 12, 'C', 3, '资产稳健增长', 'Steady growth'),
    (1, 12, 'D', 5, '资产迅速增长,可承受较大波动', 'Fast growth, with considerable swings'),
    (1, 13, 'A', 0, '存款、国债', 'Deposits, government bonds'),
    (1, 13, 'B', 1, '货币基金、债券', 'Money market funds, bonds'),
    (1, 13, 'C', 3, '混合基金、固定收益类产品', 'Mixed funds, fixed income'),
    (1, 13, 'D', 4, '股票、股票型基金', 'Shares, share funds'),
    (1, 13, 'E', 5, '衍生品及复杂产品', 'Derivatives and complex products'),
    (1, 14, 'A', 0, '不能承受任何损失', 'None'),
    (1, 14, 'B', 1, '10% 以内', 'Up to 10 %'),
    (1, 14, 'C', 3, '10%–30%', '10 to 30 %'),
    (1, 14, 'D', 4, '30%–50%', '30 to 50 %'),
    (1, 14, 'E', 5, '50% 以上', 'Over 50 %'),
    (1, 15, 'A', 0, '立即全部卖出', 'Sell everything at once'),
    (1, 15, 'B', 1, '卖出大部分', 'Sell most of it'),
    (1, 15, 'C', 3, '持有观望', 'Hold and wait'),
    (1, 15, 'D', 4, '逢低少量买入', 'Buy a little more'),
    (1, 15, 'E', 5, '大量加仓', 'Buy much more'),
    (1, 16, 'A', 0, '收益 3%,几乎不亏损', '3 %, hardly any loss'),
    (1, 16, 'B', 2, '收益 6%,可能亏损 3%', '6 %, perhaps a loss of 3 %'),
    (1, 16, 'C', 4, '收益 15%,可能亏损 12%', '15 %, perhaps a loss of 12 %'),
    (1, 16, 'D', 5, '收益 40%,可能亏损 40%', '40 %, perhaps a loss of 40 %'),
    (1, 17, 'A', 0, '日常生活', 'Daily life'),
    (1, 17, 'B', 1, '医疗、教育等必要支出', 'Health, education and other necessities'),
    (1, 17, 'C', 3, '购房、购车', 'A home or a car'),
    (1, 17, 'D', 5, '没有明确用途', 'Nothing in particular'),
    (1, 18, 'A', 0, '明显减少', 'Fall clearly'),
    (1, 18, 'B', 1, '略有减少', 'Fall a little'),
    (1, 18, 'C', 3, '基本稳定', 'Stay as it is'),
    (1, 18, 'D', 4, '稳步增加', 'Rise steadily'),
    (1, 18, 'E', 5, '大幅增加', 'Rise strongly'),
    (1, 19, 'A', 0, '影响很大,无法维持生活', 'Greatly: I could not keep my household'),
    (1, 19, 'B', 1, '有较大影响,需要节省开支', 'Considerably: I should have to save'),
    (1, 19, 'C', 3, '影响较小', 'Little'),
    (1, 19, 'D', 5, '几乎没有影响', 'Hardly at all'),
    (1, 20, 'A', 0, '从不', 'Never'),
    (1, 20, 'B', 1, '每年一次或更少', 'Once a year or less'),
    (1, 20, 'C', 3, '每季度', 'Every quarter'),
    (1, 20, 'D', 4, '每月', 'Every month'),
    (1, 20, 'E', 5, '每周或更频繁', 'Every week or more often');

insert into agreement (version, title_zh, title_en, text_zh, text_en) values
    (1, '产品签约协议', 'Subscription agreement',
     '本人确认已如实填写风险承受能力问卷,已阅读并理解产品说明、价格与风险等级,知悉投资顾问观点仅供参考、不构成收益承诺,投资风险由本人自行承担;本人同意由投顾平台处理本次签约,并可随时在终端申请取消。',
     'I confirm that I answered the suitability questionnaire truthfully, that I have read and understood the product, its price and its risk level, that advisers'' views are for reference and promise no return, and that I bear the risk of what I do. The advisory platform handles this subscription; I may ask to cancel it in the terminal at any time.');

insert into advisory_position (platform) values ('advisory');

insert into template (code, name, purpose, topic, most) values ('product_view', '投顾观点', 'service', 'product_view', 20);
insert into template_version (code, number, variables, texts, made_by, approved_by, approved_at) values
    ('product_view', 1,
     '[{"name": "product", "type": "text"}, {"name": "title", "type": "text"}, {"name": "words", "type": "text"}]', '{
        "zh": {"sms": "{product}有新观点:{title}。请登录客户端查看。",
               "email": {"subject": "{product}:{title}", "text": "尊敬的{name}:\n\n您签约的{product}有新观点:{title}\n\n{words}\n\n全文请登录客户端查看。",
                         "html": "<p>尊敬的{name}:</p><p>您签约的{product}有新观点:<b>{title}</b></p><p>{words}</p><p>全文请登录客户端查看。</p>"},
               "in_app": {"title": "{title}", "body": "{product}:{words}", "link": "/views"}},
        "en": {"sms": "A new view on {product}: {title}. Read it in the app.",
               "email": {"subject": "{product}: {title}", "text": "Dear {name},\n\nthere is a new view on {product}: {title}\n\n{words}\n\nRead all of it in the app.",
                         "html": "<p>Dear {name},</p><p>there is a new view on {product}: <b>{title}</b></p><p>{words}</p><p>Read all of it in the app.</p>"},
               "in_app": {"title": "{title}", "body": "{product}: {words}", "link": "/views"}}}',
     'system:house', 'system:migration', now());

insert into role_permission (role, permission)
select code, 'product.read' from role
union all
select 'adviser', 'product.publish';
