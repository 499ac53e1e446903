// SPDX-License-Identifier: GPL-2.0
/*
 * An init that says it was reached and powers off: `make bench` boots with
 * rdinit=/mk/reached to see when a kernel gets to its init. Built with the
 * kernel's own nolibc, so that it starts at once and adds 2 KB to the initramfs.
 */
int main(void)
{
	int fd = open("/dev/console", O_WRONLY);

	write(fd < 0 ? 1 : fd, "init: reached\n", 14);
	sleep(1);	/* a kernel line of the shutdown must not share the time stamp */
	reboot(LINUX_REBOOT_CMD_POWER_OFF);
	return 1;
}
