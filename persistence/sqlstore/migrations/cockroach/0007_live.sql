-- How SQLite's index of executions that have not ended is written: here the schema gets but its number.
SELECT 1;
