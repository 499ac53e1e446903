/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: code that a start-up IPI points a CPU to
 *
 * Both stubs are data to this kernel: they are copied to a page below 1 MiB,
 * where a CPU enters them in real mode with %cs = page / 16 and %ip = 0
 * (Intel SDM vol. 3, "MP Initialization Protocol").
 */
#include <linux/linkage.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#define OFF(symbol)	(symbol - mk_start_stub)

	.section .rodata
	.balign 16

/*
 * Start: real mode to long mode to the kernel's 64-bit entry.  The host fills
 * in the addresses; struct mk_start_args is at the end.
 */
	.globl mk_start_stub
mk_start_stub:
	.code16
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	xorl	%ebx, %ebx
	movw	%ax, %bx
	shll	$4, %ebx
	lgdtl	OFF(mk_start_gdt_limit)
	movl	%cr0, %eax
	orl	$X86_CR0_PE, %eax
	movl	%eax, %cr0
	ljmpl	*OFF(mk_start_jump32)

	.globl mk_start_32
mk_start_32:
	.code32
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs

	movl	$X86_CR4_PAE, %eax
	movl	%eax, %cr4
	movl	OFF(mk_start_args)(%ebx), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	btsl	$_EFER_LME, %eax
	wrmsr
	/* Without CD and NW, which INIT may have left set */
	movl	$CR0_STATE, %eax
	movl	%eax, %cr0
	ljmpl	*OFF(mk_start_jump64)(%ebx)

	.globl mk_start_64
mk_start_64:
	.code64
	movl	%ebx, %ebx
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	/* The host waits for a value that is not 0 */
	orq	$1, %rax
	movq	%rax, OFF(mk_start_args) + 24(%rbx)

	movq	OFF(mk_start_args) + 8(%rbx), %rax
	movq	OFF(mk_start_args) + 16(%rbx), %rsi
	xorl	%ebx, %ebx
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%edi, %edi
	xorl	%ebp, %ebp
	jmp	*%rax

	.balign 8
	/* The selectors are those of the 64-bit boot protocol */
	.globl mk_start_gdt
mk_start_gdt:
	.quad	0
	.quad	0x00cf9a000000ffff	/* 0x08: 32-bit code */
	.quad	0x00af9a000000ffff	/* 0x10: 64-bit code, __BOOT_CS */
	.quad	0x00cf92000000ffff	/* 0x18: data, __BOOT_DS */
mk_start_gdt_limit:
	.word	. - mk_start_gdt - 1
	.globl mk_start_gdt_base
mk_start_gdt_base:
	.long	0
	.word	0
	.globl mk_start_jump32
mk_start_jump32:
	.long	0
	.word	0x08
	.word	0
	.globl mk_start_jump64
mk_start_jump64:
	.long	0
	.word	0x10
	.balign 8
	.globl mk_start_args
mk_start_args:
	.skip	32
	.globl mk_start_stub_end
mk_start_stub_end:

/*
 * Proof: stores the token that the host put there beside it, and waits.  A CPU
 * that does this executes no instruction of a spawn any more.
 */
	.balign 16
	.globl mk_proof_stub
mk_proof_stub:
	.code16
	cli
	movw	%cs, %ax
	movw	%ax, %ds
	movl	mk_proof_token - mk_proof_stub, %eax
	movl	%eax, mk_proof_ack - mk_proof_stub
1:	hlt
	jmp	1b
	.balign 4
	.globl mk_proof_token
mk_proof_token:
	.long	0
	.globl mk_proof_ack
mk_proof_ack:
	.long	0
	.globl mk_proof_stub_end
mk_proof_stub_end:
	.code64
