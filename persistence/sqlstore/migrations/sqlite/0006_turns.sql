-- What a batch of turns is written by: only PostgreSQL needs types for that, and here the schema gets but its number.
SELECT 1;
