// SPDX-License-Identifier: GPL-2.0-only
/*
 * edu: its registers, its interrupt, and how it is turned off.
 *
 * It has no register that masks interrupts, and neither a computation nor DMA, which
 * takes 100 ms, can be stopped: to turn it off is to wait until it is idle. RLS-24
 */
#include <linux/dma-mapping.h>
#include <linux/iopoll.h>
#include <linux/pci.h>

#include "edu.h"

#define EDU_ID			0x00
#define   EDU_ID_EDU		0xed
#define EDU_LIVENESS		0x04	/* reads as what was written, inverted */
#define EDU_FACT		0x08
#define EDU_STATUS		0x20
#define   EDU_STATUS_COMPUTING	0x01
#define   EDU_STATUS_IRQ	0x80	/* an interrupt when it has computed */
#define EDU_IRQ_STATUS		0x24
#define EDU_IRQ_RAISE		0x60
#define EDU_IRQ_ACK		0x64
#define EDU_DMA_SRC		0x80
#define EDU_DMA_DST		0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_CMD		0x98
#define   EDU_DMA_RUN		0x01
#define   EDU_DMA_TO_MEMORY	0x02
#define   EDU_DMA_IRQ		0x04
#define EDU_RAM			0x40000	/* where its memory is, as it sees that */

#define EDU_USER_IRQ		0x02	/* one that nothing else raises */

/* Is it one, and does it answer? */
bool edu_hw_present(void __iomem *regs)
{
	if ((readl(regs + EDU_ID) & 0xff) != EDU_ID_EDU)
		return false;
	writel(0x12345678, regs + EDU_LIVENESS);
	return readl(regs + EDU_LIVENESS) == ~0x12345678u;
}

/* All ones are read where no device is any more: one that does nothing. */
static u32 edu_hw_read(struct edu *edu, unsigned int offset)
{
	u32 value = readl(edu->regs + offset);

	return value == ~0u ? 0 : value;
}

/* What it raises, and does not raise any more. */
static u32 edu_hw_acknowledge(struct edu *edu)
{
	u32 raised = edu_hw_read(edu, EDU_IRQ_STATUS);

	if (raised)
		writel(raised, edu->regs + EDU_IRQ_ACK);
	atomic_andnot(raised, &edu->owed);
	return raised;
}

void edu_hw_factorial(struct edu *edu, u32 n)
{
	atomic_or(EDU_FACTORIAL, &edu->owed);
	writel(EDU_STATUS_IRQ, edu->regs + EDU_STATUS);
	writel(n, edu->regs + EDU_FACT);
}

u32 edu_hw_result(struct edu *edu)
{
	return readl(edu->regs + EDU_FACT);
}

/* Between the common buffer and the same place of its memory. */
void edu_hw_dma(struct edu *edu, u32 offset, u32 count, bool to_device)
{
	u32 memory = lower_32_bits(edu->logical) + offset, ram = EDU_RAM + offset;

	writel(to_device ? memory : ram, edu->regs + EDU_DMA_SRC);
	writel(to_device ? ram : memory, edu->regs + EDU_DMA_DST);
	writel(count, edu->regs + EDU_DMA_COUNT);
	/* Orders what the processor has put into the buffer, too. */
	writel(EDU_DMA_RUN | EDU_DMA_IRQ | (to_device ? 0 : EDU_DMA_TO_MEMORY),
	       edu->regs + EDU_DMA_CMD);
}

void edu_hw_raise(struct edu *edu)
{
	writel(EDU_USER_IRQ, edu->regs + EDU_IRQ_RAISE);
}

/* What it does now. */
u32 edu_hw_runs(struct edu *edu)
{
	u32 runs = 0;

	if (edu_hw_read(edu, EDU_STATUS) & EDU_STATUS_COMPUTING)
		runs |= EDU_FACTORIAL;
	if (edu_hw_read(edu, EDU_DMA_CMD) & EDU_DMA_RUN)
		runs |= EDU_DMA;
	return runs;
}

/* ... or has an interrupt up for: those have the same bits. */
u32 edu_hw_busy(struct edu *edu)
{
	return edu_hw_runs(edu) | edu_hw_read(edu, EDU_IRQ_STATUS);
}

/* May it raise an interrupt? ATOMIC */
bool edu_hw_source(void *context)
{
	struct edu *edu = context;

	return edu_hw_busy(edu) || (edu_hw_read(edu, EDU_STATUS) & EDU_STATUS_IRQ);
}

/* ATOMIC */
bool edu_hw_dma_runs(void *context)
{
	return edu_hw_runs(context) & EDU_DMA;
}

/*
 * Of a computation the device says first that it has ended, and raises its interrupt
 * next, whatever it was told between the two.
 */
static bool edu_hw_owes(struct edu *edu)
{
	return atomic_read(&edu->owed) & EDU_FACTORIAL;
}

/* Nobody starts it any more: when this returns it does nothing, and will not. RLS-24 */
void edu_hw_off(struct edu *edu)
{
	bool owes, runs;

	if (read_poll_timeout(edu_hw_runs, runs, !runs, 1000, 60 * USEC_PER_SEC, false, edu))
		pci_warn(edu->pdev, "does not become idle\n");
	if (read_poll_timeout(edu_hw_owes, owes, !owes, 100, USEC_PER_SEC, false, edu))
		pci_warn(edu->pdev, "has not raised the interrupt of a computation\n");
	writel(0, edu->regs + EDU_STATUS);
	edu_hw_acknowledge(edu);
	if (!edu->pdev->msi_enabled)
		pci_intx(edu->pdev, 0);
}

/* Its line may be somebody else's, too. */
bool edu_service(struct wdm_interrupt *interrupt, void *context)
{
	struct edu *edu = context;
	u32 raised = edu_hw_acknowledge(edu);

	if (!raised)
		return false;
	edu_count(EDU_INTERRUPTS);
	atomic_or(raised, &edu->raised);
	if (ke_insert_queue_dpc(&edu->dpc, NULL, NULL))
		edu_count(EDU_DPCS_QUEUED);
	return true;
}
