-- Since this version an execution's id may say its key (workflow.TimedID). A version that takes every key for a hash would not find
-- what has such an id; the number keeps it out.
SELECT 1;
