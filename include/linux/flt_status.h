/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The statuses of the filter manager's model as kernel values.
 *
 * A status is an int. Zero and positive values are successes (severity 0 of
 * the model): the positive ones keep their documented numbers, so that a test
 * for "< 0" means "warning or error" and nothing else. Every warning and error
 * has an errno of its own, so that no two of them are confused.
 *
 * Documentation/status-codes.rst is generated from this file
 * (scripts/status-table), one line per constant: keep the layout
 * NAME = VALUE, then the original number and its use in a comment.
 */
#ifndef _LINUX_FLT_STATUS_H
#define _LINUX_FLT_STATUS_H

#include <linux/errno.h>
#include <linux/types.h>

enum flt_status {
	/* Successes */
	STATUS_SUCCESS = 0,			/* 0x00000000 done */
	STATUS_TIMEOUT = 0x102,			/* 0x00000102 the wait ended by time-out */
	STATUS_PENDING = 0x103,			/* 0x00000103 goes on elsewhere */
	STATUS_REPARSE = 0x104,			/* 0x00000104 name leads elsewhere */
	STATUS_FLT_IO_COMPLETE = 0x1C0001,	/* 0x001C0001 completed by a lower pre-op */

	/* Warnings */
	STATUS_BUFFER_OVERFLOW = -EOVERFLOW,	/* 0x80000005 data cut to fit */
	STATUS_NO_MORE_ENTRIES = -ERANGE,	/* 0x8000001A past the end of a list */

	/* Errors of the manager */
	STATUS_FLT_NO_HANDLER_DEFINED = -EBADRQC,	/* 0xC01C0001 nobody handles it */
	STATUS_FLT_CONTEXT_ALREADY_DEFINED = -EALREADY,	/* 0xC01C0002 a context is set */
	STATUS_FLT_INVALID_ASYNCHRONOUS_REQUEST = -EINPROGRESS, /* 0xC01C0003 not asynchronous */
	STATUS_FLT_DISALLOW_FAST_IO = -ESTRPIPE,	/* 0xC01C0004 manager only */
	STATUS_FLT_INVALID_NAME_REQUEST = -EBADR,	/* 0xC01C0005 name cannot be asked now */
	STATUS_FLT_NOT_SAFE_TO_POST_OPERATION = -EDEADLK, /* 0xC01C0006 may not go to a worker */
	STATUS_FLT_NOT_INITIALIZED = -ENOPKG,		/* 0xC01C0007 manager not ready */
	STATUS_FLT_FILTER_NOT_READY = -ENOTCONN,	/* 0xC01C0008 filtering not started */
	STATUS_FLT_POST_OPERATION_CLEANUP = -EOWNERDEAD, /* 0xC01C0009 drained post-op */
	STATUS_FLT_INTERNAL_ERROR = -EPROTO,		/* 0xC01C000A illegal answer of a filter */
	STATUS_FLT_DELETING_OBJECT = -ESHUTDOWN,	/* 0xC01C000B being torn down */
	STATUS_FLT_MUST_BE_NONPAGED_POOL = -ENOSTR,	/* 0xC01C000C wrong kind of memory */
	STATUS_FLT_DUPLICATE_ENTRY = -ENOTUNIQ,		/* 0xC01C000D registered twice */
	STATUS_FLT_CBDQ_DISABLED = -ENETDOWN,		/* 0xC01C000E queue disabled */
	STATUS_FLT_DO_NOT_ATTACH = -ECONNREFUSED,	/* 0xC01C000F setup said no */
	STATUS_FLT_DO_NOT_DETACH = -EBUSY,		/* 0xC01C0010 filter said no */
	STATUS_FLT_INSTANCE_ALTITUDE_COLLISION = -EADDRINUSE, /* 0xC01C0011 altitude taken */
	STATUS_FLT_INSTANCE_NAME_COLLISION = -EEXIST,	/* 0xC01C0012 instance name taken */
	STATUS_FLT_FILTER_NOT_FOUND = -ESRCH,		/* 0xC01C0013 no such filter */
	STATUS_FLT_VOLUME_NOT_FOUND = -ENXIO,		/* 0xC01C0014 no such volume */
	STATUS_FLT_INSTANCE_NOT_FOUND = -ENOENT,	/* 0xC01C0015 no such instance */
	STATUS_FLT_CONTEXT_ALLOCATION_NOT_FOUND = -ENOANO, /* 0xC01C0016 no such context kind */
	STATUS_FLT_INVALID_CONTEXT_REGISTRATION = -EBADSLT, /* 0xC01C0017 malformed contexts */
	STATUS_FLT_NAME_CACHE_MISS = -ESTALE,		/* 0xC01C0018 name not cached */
	STATUS_FLT_NO_DEVICE_OBJECT = -ENODEV,		/* 0xC01C0019 volume has no such device */
	STATUS_FLT_VOLUME_ALREADY_MOUNTED = -EISCONN,	/* 0xC01C001A volume is there already */
	STATUS_FLT_ALREADY_ENLISTED = -EISNAM,		/* 0xC01C001B already in the transaction */
	STATUS_FLT_CONTEXT_ALREADY_LINKED = -EMLINK,	/* 0xC01C001C context has an object */
	STATUS_FLT_NO_WAITER_FOR_REPLY = -ENOLINK,	/* 0xC01C0020 reply too late */
	STATUS_FLT_REGISTRATION_BUSY = -EUSERS,		/* 0xC01C0023 registration busy */

	/* Errors of the system */
	STATUS_INVALID_PARAMETER = -EINVAL,		/* 0xC000000D bad argument */
	STATUS_ACCESS_DENIED = -EACCES,			/* 0xC0000022 not allowed */
	STATUS_BUFFER_TOO_SMALL = -ENOBUFS,		/* 0xC0000023 nothing returned */
	STATUS_OBJECT_NAME_NOT_FOUND = -ENOKEY,		/* 0xC0000034 configuration missing */
	STATUS_OBJECT_NAME_COLLISION = -EXFULL,		/* 0xC0000035 object name taken */
	STATUS_PORT_DISCONNECTED = -EPIPE,		/* 0xC0000037 peer went away */
	STATUS_OBJECT_PATH_NOT_FOUND = -ENOTDIR,	/* 0xC000003A path missing */
	STATUS_THREAD_IS_TERMINATING = -EINTR,		/* 0xC000004B the waiting thread dies */
	STATUS_INSUFFICIENT_RESOURCES = -ENOMEM,	/* 0xC000009A no memory */
	STATUS_NOT_SUPPORTED = -EOPNOTSUPP,		/* 0xC00000BB not supported */
	STATUS_IMAGE_ALREADY_LOADED = -EBADFD,		/* 0xC000010E driver is loaded */
	STATUS_CANCELLED = -ECANCELED,			/* 0xC0000120 cancelled */
	STATUS_IO_DEVICE_ERROR = -EIO,			/* 0xC0000185 the device failed */
	STATUS_INVALID_BUFFER_SIZE = -EMSGSIZE,		/* 0xC0000206 size out of range */
	STATUS_NOT_FOUND = -ENODATA,			/* 0xC0000225 nothing there */
	STATUS_FAILED_DRIVER_ENTRY = -ELIBBAD,		/* 0xC0000365 load entry point failed */
	STATUS_DRIVER_FAILED_PRIOR_UNLOAD = -ELIBSCN,	/* 0xC000038E old image still there */
};

/* SEV-01: severity 2 and 3 fail an operation, 0 and 1 do not. */
static inline bool flt_status_is_error(int status)
{
	return status < 0;
}

#endif /* _LINUX_FLT_STATUS_H */
