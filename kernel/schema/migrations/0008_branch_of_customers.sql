-- The branch of a customer is proven by the loader over whole sets, as other references of large tables are.
alter table customer alter constraint customer_branch_id_fkey not enforced;
