package check

func (c *Case) registers(*report) {}
