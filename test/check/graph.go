package check

func (c *Case) graphs(*report) {}

func (c *Case) registers(*report) {}
