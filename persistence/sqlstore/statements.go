package sqlstore

// reads are the statements that run outside of transactions, but those that are built, by executionsStatement and its like. Those
// that wholeOf puts together are of pieces that are listed here.
func (d dialect) reads() []string {
	due, wanting, resourcesDue, runners, onRunner, noticesDue := dueOne, wantingOne, resourcesDueOne, runnersOne, onRunnerOne, noticesDueOne
	quiet := quietOne
	if d.server {
		due, wanting, resourcesDue, runners, onRunner, noticesDue = dueMany, wantingMany, resourcesDueMany, runnersMany, onRunnerMany, noticesDueMany
		quiet = quietMany
	}
	return []string{
		recordQuery, executionQuery, tasksQuery, actionsQuery, taskActionsQuery, findTaskQuery, findActionQuery, historyQuery, countAllQuery,
		countQuery, due, wanting, quiet, runners, onRunner, newestIDQuery, publicIDQuery, listQuery, listInQuery, restQuery, listAllQuery, listAllIn, restAllQuery, revisionQuery,
		revisionsQuery, liveNodes, resourceQuery, resourceNameQuery, resourcesDue, noticesDue, countNotices,
		nextProjectQuery, countRootsQuery, versionOfDefinitions,
	}
}

// writes are the statements of transactions.
func (d dialect) writes() []string {
	commit := []string{
		createOne, createStateOne, goOnOne, updateOne, updateGivenOne, putDataOne, insertTaskOne, updateTaskOne, insertActionOne, updateActionOne, historyOne, noticeOne,
	}
	if d.server {
		commit = []string{
			createMany, updateMany, updateGivenMany, putDataMany, insertTaskMany, updateTaskMany, insertActionMany, updateActionMany, historyMany, noticeMany, newestMany, definitionsMany,
		}
	}
	return append(commit,
		idOfKey, epochOfKey, versionOfDefinitions, raiseVersion, factsQuery, activateQuery, peekQuery, dataQuery, allTasksQuery, allActionsQuery, raiseQuery, childrenQuery, deleteHistory, deleteActions,
		deleteTasks, deleteData, deleteState, deleteOneQuery, newestQuery, insertRevision, insertDefinition, updateDefinition, deleteDefinition,
		replaceNode, insertNode, endLeases, renewNode, deleteNode, forgetOfNode, resourceQuery, insertResource, updateResource, deleteResource, claimNotices,
		hideNotices, dropNotices, putOff, noticeTried)
}

// firstStatements are those that run before any is prepared: which database this is, and its schema.
func (d dialect) firstStatements() []string {
	version := sqliteVersionQuery
	if d.server {
		version = versionQuery
	}
	out := []string{version, schemaTable, schemaRow, schemaLock, schemaUnlock, schemaGet, schemaSet}
	if d.whole {
		out = append(out, rowTypesQuery)
	}
	return out
}
