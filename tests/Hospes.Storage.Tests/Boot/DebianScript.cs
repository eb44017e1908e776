namespace Hospes.Storage.Tests.Boot;

/// <summary>A menu of the shape that Debian's update-grub makes.</summary>
internal static class DebianScript
{
    public const string Text = """
        # made for a test
        if [ -s $prefix/grubenv ]; then
          set have_grubenv=true
          load_env
        fi
        if [ "${next_entry}" ] ; then
           set default="${next_entry}"
           set next_entry=
           save_env next_entry
           set boot_once=true
        else
           set default="0"
        fi

        if [ x"${feature_menuentry_id}" = xy ]; then
          menuentry_id_option="--id"
        else
          menuentry_id_option=""
        fi
        export menuentry_id_option

        function savedefault {
          if [ -z "${boot_once}" ]; then
            saved_entry="${chosen}"
            save_env saved_entry
          fi
        }
        function load_video {
          if [ x$feature_all_video_module = xy ]; then
            insmod all_video
          else
            insmod efi_gop; insmod vga
          fi
        }
        if [ "${timeout_style}" = hidden ] ; then set timeout=0; elif sleep --verbose --interruptible 5 ; then set timeout=0; fi
        menuentry 'Debian GNU/Linux' --class debian --class gnu-linux --class gnu --class os $menuentry_id_option 'gnulinux-simple' {
        	load_video
        	insmod gzio
        	if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
        	insmod part_gpt
        	insmod ext2
        	if [ x$feature_platform_search_hint = xy ]; then
        	  search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2 --hint-efi=hd0,gpt2  22222222-2222-2222-2222-222222222222
        	else
        	  search --no-floppy --fs-uuid --set=root 22222222-2222-2222-2222-222222222222
        	fi
        	echo	'Loading Linux 6.1.0-49-amd64 ...'
        	linux	/boot/vmlinuz-6.1.0-49-amd64 root=UUID=22222222-2222-2222-2222-222222222222 ro  quiet
        	echo	'Loading initial ramdisk ...'
        	initrd	/boot/initrd.img-6.1.0-49-amd64
        }
        submenu 'Advanced options for Debian GNU/Linux' $menuentry_id_option 'gnulinux-advanced' {
        	menuentry 'Debian GNU/Linux, with Linux 6.1.0-49-amd64' --class debian $menuentry_id_option 'gnulinux-advanced-49' {
        		load_video
        		linux	/boot/vmlinuz-6.1.0-49-amd64 root=UUID=22222222-2222-2222-2222-222222222222 ro  quiet
        		initrd	/boot/initrd.img-6.1.0-49-amd64
        	}
        	menuentry 'Debian GNU/Linux, with Linux 6.1.0-49-amd64 (recovery mode)' --class debian $menuentry_id_option 'gnulinux-recovery' {
        		linux	/boot/vmlinuz-6.1.0-49-amd64 root=UUID=22222222-2222-2222-2222-222222222222 ro single
        		initrd	/boot/initrd.img-6.1.0-49-amd64
        	}
        }
        if [ "$grub_platform" = "efi" ]; then
        	fwsetup --is-supported
        	if [ "$?" = 0 ]; then
        		menuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {
        			fwsetup
        		}
        	fi
        fi
        if [ -f  ${config_directory}/custom.cfg ]; then
          source ${config_directory}/custom.cfg
        fi
        """;
}
