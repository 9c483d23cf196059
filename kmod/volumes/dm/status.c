// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statuses at the border: the only place where a blk_status_t becomes a status
 * of the manager's, or the other way round.
 *
 * What a device says must come out above as it would without filters, so the
 * table is one to one. What is not in it is an I/O error, in both directions.
 * Left out on purpose are the values that dm or the block layer act upon
 * instead of reporting them: a filter that gives up an operation with -EAGAIN,
 * -EBUSY or -EREMCHG must not have it repeated.
 */
#include "dm.h"

static const struct {
	int error;
	blk_status_t status;
} flt_dm_statuses[] = {
	{ 0,		BLK_STS_OK },
	{ -EIO,		BLK_STS_IOERR },
	{ -EOPNOTSUPP,	BLK_STS_NOTSUPP },
	{ -ETIMEDOUT,	BLK_STS_TIMEOUT },
	{ -ENOSPC,	BLK_STS_NOSPC },
	{ -ENOLINK,	BLK_STS_TRANSPORT },
	{ -EREMOTEIO,	BLK_STS_TARGET },
	{ -EBADE,	BLK_STS_RESV_CONFLICT },
	{ -ENODATA,	BLK_STS_MEDIUM },
	{ -EILSEQ,	BLK_STS_PROTECTION },
	{ -ENOMEM,	BLK_STS_RESOURCE },
	{ -ENODEV,	BLK_STS_OFFLINE },
	{ -ETIME,	BLK_STS_DURATION_LIMIT },
	{ -EINVAL,	BLK_STS_INVAL },
};

/**
 * flt_dm_status_from_blk() - what filters are told
 * @status: how the device ended a bio
 *
 * Context: ATOMIC.
 * Return: 0 or a negative errno.
 */
int flt_dm_status_from_blk(blk_status_t status)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(flt_dm_statuses); i++)
		if (flt_dm_statuses[i].status == status)
			return flt_dm_statuses[i].error;
	return STATUS_IO_DEVICE_ERROR;
}

/**
 * flt_dm_status_to_blk() - what those above are told
 * @status: how filters let an operation end: a negative errno, or a success
 *
 * Context: ATOMIC.
 * Return: the block layer's name for it.
 */
blk_status_t flt_dm_status_to_blk(int status)
{
	int i;

	if (!flt_status_is_error(status))
		return BLK_STS_OK;
	for (i = 0; i < ARRAY_SIZE(flt_dm_statuses); i++)
		if (flt_dm_statuses[i].error == status)
			return flt_dm_statuses[i].status;
	return BLK_STS_IOERR;
}
