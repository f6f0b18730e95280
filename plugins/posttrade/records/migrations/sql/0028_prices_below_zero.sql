-- Which prices may be zero or below is a matter of the product line (its procedure), and checked where rows are recorded.
alter table books.prices drop constraint prices_price_check;
