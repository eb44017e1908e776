using Hospes.Storage.Boot;

namespace Hospes.Storage.Tests.Boot;

/// <summary>Entries of the Boot Loader Specification, and Syslinux's files.</summary>
public sealed class LoaderEntryTests
{
    private const string Entry = "title Debian\nversion 6.1\nlinux /vmlinuz\ninitrd /initrd\noptions root=/dev/vda2\noptions quiet\n";

    [Fact]
    public void AnEntryIsReadWhole()
    {
        var disk = new FakeDisk();
        disk.First["/loader/entries/debian.conf"] = "# a remark\n" + Entry + "initrd\t/microcode /second\nunknown key\n";
        BootMenu menu = disk.Menu();
        menu.Default.ShouldBe(0);
        BootEntry entry = menu.Entries.Single();
        (entry.Title, entry.Id, entry.CommandLine, entry.Kind).ShouldBe(("Debian", "debian", "root=/dev/vda2 quiet", BootLoaderKind.LoaderEntry));
        entry.Kernel.ToString().ShouldBe("partition 1:/vmlinuz");
        entry.Initrds.Select(static file => file.Path).ShouldBe(["/initrd", "/microcode", "/second"]);
    }

    [Fact]
    public void EntriesBelowBootCanCountTheirPathsFromThere()
    {
        var disk = new FakeDisk();
        disk.Second["/boot/loader/entries/a.conf"] = Entry;
        disk.Second["/boot/vmlinuz"] = "kernel";
        disk.Second["/initrd"] = "from the root";
        BootEntry entry = disk.Menu().Entries.Single();
        (entry.Kernel.Path, entry.Initrds[0].Path).ShouldBe(("/boot/vmlinuz", "/initrd"));
    }

    [Fact]
    public void TheOrderIsTheSpecifications()
    {
        var disk = new FakeDisk();
        void Put(string name, string more) => disk.First[$"/loader/entries/{name}.conf"] = $"linux /vmlinuz\n{more}";
        Put("old-6.1", "sort-key debian\nversion 6.1");
        Put("new-6.10", "sort-key debian\nversion 6.10");
        Put("other", "sort-key arch\nversion 1");
        Put("without-1", "");
        Put("without-2", "");
        Put("failing+0-3", "sort-key debian\nversion 7");
        Put("trying+2-1", "sort-key debian\nversion 6.9");
        Put("arm", "architecture aa64");
        disk.First["/loader/entries/windows.conf"] = "efi /windows.efi";
        disk.First["/loader/entries/notes.txt"] = Entry;
        disk.Menu().Entries.Select(static entry => entry.Id).ShouldBe(["other", "new-6.10", "trying", "old-6.1", "without-2", "without-1", "failing"]);
    }

    [Theory]
    [InlineData("default second*", 1)]
    [InlineData("timeout 3\ndefault\tsecond.conf", 1)]
    [InlineData("default third", 0)]
    public void TheDefaultIsThatOfLoaderConf(string text, int expected)
    {
        var disk = new FakeDisk();
        disk.First["/loader/entries/second.conf"] = "linux /a";
        disk.First["/loader/entries/zero.conf"] = "linux /b";
        disk.First["/loader/loader.conf"] = text;
        BootMenu menu = disk.Menu();
        menu.Entries[menu.Default].Id.ShouldBe(expected == 1 ? "second" : "zero");
    }

    [Theory]
    [InlineData("11", "11", 0)]
    [InlineData("systemd-123", "systemd-123", 0)]
    [InlineData("bar-123", "foo-123", -1)]
    [InlineData("123a", "123", 1)]
    [InlineData("123.a", "123", 1)]
    [InlineData("123.a", "123.b", -1)]
    [InlineData("123a", "123.a", 1)]
    [InlineData("11α", "11β", 0)]
    [InlineData("A", "a", -1)]
    [InlineData("0", "", 1)]
    [InlineData("0.", "0", 1)]
    [InlineData("1_", "1", 0)]
    [InlineData("~1", "1", -1)]
    [InlineData("~", "", -1)]
    [InlineData("1~rc1", "1", -1)]
    [InlineData("1^git", "1", 1)]
    [InlineData("1^git", "1.1", -1)]
    [InlineData("6.1.0-9", "6.1.0-10", -1)]
    [InlineData("007", "7", 0)]
    public void VersionsAreComparedAsSpecified(string first, string second, int expected)
    {
        Math.Sign(VersionOrder.Compare(first, second)).ShouldBe(expected);
        Math.Sign(VersionOrder.Compare(second, first)).ShouldBe(-expected);
    }

    [Fact]
    public void ASyslinuxFileIsRead()
    {
        var disk = new FakeDisk();
        disk.First["/extlinux/extlinux.conf"] = """
            DEFAULT linux2
            TIMEOUT 50
            append quiet
            MENU INCLUDE more.conf
            LABEL linux1
              MENU LABEL ^First kernel
              KERNEL ../vmlinuz ignored
              APPEND root=/dev/vda1  initrd=/initrd.img,/second
            label menu
              com32 menu.c32
            label tool
              kernel tool.c32
            """;
        disk.First["/extlinux/more.conf"] = "label linux2\nlinux /vmlinuz2\ninitrd initrd2\nappend -\ninclude more.conf\n";
        BootMenu menu = disk.Menu();
        // The file that includes itself was read as deep as is allowed.
        BootEntry[] distinct = [.. menu.Entries.DistinctBy(static entry => entry.Id)];
        distinct.Select(static entry => entry.Title).ShouldBe(["linux2", "First kernel"]);
        menu.Entries[menu.Default].Id.ShouldBe("linux2");
        (distinct[0].Kernel.Path, distinct[0].Initrds.Single().Path, distinct[0].CommandLine).ShouldBe(("/vmlinuz2", "/extlinux/initrd2", ""));
        (distinct[1].CommandLine, string.Join(' ', distinct[1].Initrds.Select(static file => file.Path))).ShouldBe(("root=/dev/vda1", "/initrd.img /second"));
    }

    [Fact]
    public void ADefaultCanStandAtItsLabel()
    {
        var disk = new FakeDisk();
        disk.Second["/boot/syslinux/syslinux.cfg"] = "label a\nlinux a\nlabel b\nmenu default\nlinux b";
        BootMenu menu = disk.Menu();
        menu.Entries[menu.Default].Kernel.Path.ShouldBe("/boot/syslinux/b");
    }

    [Fact]
    public void EntriesAreFoundByNumberIdAndTitle()
    {
        var disk = new FakeDisk();
        disk.Second["/boot/syslinux/syslinux.cfg"] = "label a\nmenu label First\nlinux a\nlabel 0\nlinux b";
        BootMenu menu = disk.Menu();
        menu.Find("First")!.Id.ShouldBe("a");
        menu.Find("a")!.Id.ShouldBe("a");
        menu.Find("0")!.Id.ShouldBe("0");
        menu.Find("1")!.Id.ShouldBe("0");
        menu.Find("2").ShouldBeNull();
        menu.Find("-1").ShouldBeNull();
    }

    [Fact]
    public void ADiskWithNothingToBootSaysSo()
    {
        var disk = new FakeDisk();
        disk.Menu().Why.ShouldBe("no grub.cfg, no loader entries and no extlinux.conf on partition 1 (ext4), partition 2 (ext4)");
        disk.First["/extlinux.conf"] = "label x\nkernel menu.c32";
        disk.Menu().Why.ShouldBe("no label of partition 1:/extlinux.conf boots a Linux kernel");
        disk.Second["/boot/grub/grub.cfg"] = new string(' ', 2 << 20);
        disk.Menu().Why.ShouldBe("partition 2:/boot/grub/grub.cfg cannot be read: the file is larger than what is read");
    }
}
