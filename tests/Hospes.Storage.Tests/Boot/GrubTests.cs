using Hospes.Storage.Boot;

namespace Hospes.Storage.Tests.Boot;

/// <summary>What GRUB's scripts offer to boot.</summary>
public sealed class GrubTests
{
    [Fact]
    public void DebiansMenuGivesItsEntriesInOrder()
    {
        BootMenu menu = new FakeDisk().Grub(DebianScript.Text);
        menu.Why.ShouldBeNull();
        menu.Default.ShouldBe(0);
        menu.Entries.Select(static entry => entry.Title).ShouldBe(["Debian GNU/Linux", "Debian GNU/Linux, with Linux 6.1.0-49-amd64", "Debian GNU/Linux, with Linux 6.1.0-49-amd64 (recovery mode)"]);
        BootEntry first = menu.Entries[0];
        first.Kernel.ToString().ShouldBe("partition 2:/boot/vmlinuz-6.1.0-49-amd64");
        first.Initrds.Single().ToString().ShouldBe("partition 2:/boot/initrd.img-6.1.0-49-amd64");
        first.CommandLine.ShouldBe($"root=UUID={FakeDisk.SecondUuid} ro quiet");
        first.Id.ShouldBe("gnulinux-simple");
        menu.Entries[2].Id.ShouldBe("gnulinux-advanced>gnulinux-recovery");
        menu.Entries[2].CommandLine.ShouldEndWith("ro single");
    }

    [Theory]
    [InlineData("1", 1)]
    [InlineData("1>1", 2)]
    [InlineData("gnulinux-advanced>gnulinux-recovery", 2)]
    [InlineData("Advanced options for Debian GNU/Linux>0", 1)]
    [InlineData("Debian GNU/Linux", 0)]
    [InlineData("no such entry", 0)]
    public void TheSavedEntryIsTheDefault(string saved, int expected)
    {
        var disk = new FakeDisk();
        disk.Second["/boot/grub/grubenv"] = $"# GRUB Environment Block\nsaved_entry={saved}\n#######";
        disk.Grub(DebianScript.Text.Replace("set default=\"0\"", "set default=\"${saved_entry}\"", StringComparison.Ordinal)).Default.ShouldBe(expected);
    }

    [Theory]
    [InlineData("if [ a = a ]; then set x=1; else set x=2; fi", "1")]
    [InlineData("if [ a = b ]; then set x=1; elif test -n word; then set x=2; else set x=3; fi", "2")]
    [InlineData("if [ \"$nothing\" ]; then set x=1; else set x=3; fi", "3")]
    [InlineData("if [ ! -e /none -a -f /file ]; then set x=yes; fi", "yes")]
    [InlineData("if ! [ -d /boot ]; then set x=no; else set x=folder; fi", "folder")]
    [InlineData("if [ ( a = b -o c = c ) -a 10 -gt 9 ]; then set x=both; fi", "both")]
    [InlineData("if search --no-floppy --fs-uuid --set=where 11111111-1111-1111-1111-111111111111; then set x=$where; fi", "hd0,gpt1")]
    [InlineData("search --set where --label SYSTEM; set x=$where", "hd0,gpt2")]
    [InlineData("search.fs_uuid 22222222-2222-2222-2222-222222222222 where; set x=$where", "hd0,gpt2")]
    [InlineData("search --file /file --set=where; set x=$where", "hd0,gpt2")]
    [InlineData("probe -u $root --set=x", "22222222-2222-2222-2222-222222222222")]
    [InlineData("for i in a b 'c d'; do set x=\"$x<$i>\"; done", "<a><b><c d>")]
    [InlineData("set n=; while [ \"$n\" != aaa ]; do set n=a$n; done; set x=$n", "aaa")]
    [InlineData("until true; do set x=never; done; set x=$x.", ".")]
    [InlineData("function f { set x=\"$1-$2\"; }\nf one 'two three'", "one-two three")]
    [InlineData("function f { return 1; set x=late; }\nif f; then set x=true; else set x=false; fi", "false")]
    [InlineData("false\nset x=$?", "1")]
    [InlineData("set a='one $b' # a remark\nset x=\"$a\\\"\\$\"\\ end", "one $b\"$ end")]
    [InlineData("set x=one\\\ntwo", "onetwo")]
    [InlineData("x=short", "short")]
    [InlineData("set x=1; unset x; set x=${x}2", "2")]
    [InlineData("insmod gzio; loadfont unicode; terminal_output gfxterm; set x=on", "on")]
    [InlineData("source /boot/grub/more.cfg", "from more")]
    [InlineData("source ($root)$prefix/none.cfg; . /boot/grub/more.cfg", "from more")]
    [InlineData("load_env --file /boot/env x", "enviro\\nment")]
    [InlineData("if [ x$feature_menuentry_id = xy ]; then set x=id; fi", "id")]
    public void ScriptsAreRun(string script, string expected)
    {
        var disk = new FakeDisk();
        disk.Second["/file"] = "content";
        disk.Second["/boot/grub/more.cfg"] = "set x='from more'";
        disk.Second["/boot/env"] = "# GRUB Environment Block\nx=enviro\\\\nment\ny=2\n####";
        BootMenu menu = disk.Grub(script + "\nmenuentry t { linux /vmlinuz \"x=$x\" $y; }");
        menu.Entries.Single().CommandLine.ShouldBe($"x={expected}");
    }

    [Fact]
    public void PathsCanNameTheirPartition()
    {
        BootEntry entry = new FakeDisk().Grub("menuentry t { linux (hd0,gpt1)/linux a b\ninitrd ($root)/one (hd0,1)/two }").Entries.Single();
        entry.Kernel.ToString().ShouldBe("partition 1:/linux");
        entry.Initrds.Select(static file => file.ToString()).ShouldBe(["partition 2:/one", "partition 1:/two"]);
        entry.CommandLine.ShouldBe("a b");
    }

    [Fact]
    public void AStubThatLeadsElsewhereIsFollowed()
    {
        var disk = new FakeDisk();
        disk.First["/grub/grub.cfg"] = $"search.fs_uuid {FakeDisk.SecondUuid} root\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/real.cfg";
        disk.Second["/boot/grub/real.cfg"] = "menuentry t { linux /vmlinuz }";
        disk.Menu().Entries.Single().Kernel.ToString().ShouldBe("partition 2:/vmlinuz");
    }

    [Theory]
    [InlineData("menuentry t { chainloader +1 }", "no entry of partition 2:/boot/grub/grub.cfg boots a Linux kernel from this disk")]
    [InlineData("menuentry t { linux (lvmid/a/b)/vmlinuz }", "no entry of partition 2:/boot/grub/grub.cfg boots a Linux kernel from this disk")]
    [InlineData("menuentry t { linux /vmlinuz\ninitrd (cd0)/initrd }", "no entry of partition 2:/boot/grub/grub.cfg boots a Linux kernel from this disk")]
    [InlineData("set a=b", "partition 2:/boot/grub/grub.cfg has no menu entry")]
    [InlineData("menuentry t {", "partition 2:/boot/grub/grub.cfg has no menu entry")]
    public void WithoutAnEntryItIsSaidWhy(string script, string why)
    {
        BootMenu menu = new FakeDisk().Grub(script);
        menu.Entries.ShouldBeEmpty();
        menu.Default.ShouldBe(-1);
        menu.Why.ShouldBe(why);
    }

    [Theory]
    [InlineData("while true; do set x=1; done")]
    [InlineData("set a=aaaaaaaaaaaaaaaa; while true; do set a=$a$a; done")]
    [InlineData("function f { f; f; }\nf")]
    [InlineData("source /boot/grub/grub.cfg; source /boot/grub/grub.cfg")]
    [InlineData("submenu a { configfile /boot/grub/grub.cfg }")]
    [InlineData("for i in $x; do for j in 1 2 3; do source /boot/grub/grub.cfg; done; done; set x='1 2 3 4 5 6 7 8'")]
    public void ScriptsWithoutAnEndEnd(string script) => new FakeDisk().Grub(script).Entries.ShouldBeEmpty();

    [Fact]
    public void BlocksWithoutAnEndEnd()
    {
        foreach (string part in (string[])["if true; then ", "{ ", "menuentry t { ", "function f { ", "while true; do ", "[ ( ", "\"${", "'", "! "])
            new FakeDisk().Grub(string.Concat(Enumerable.Repeat(part, 20_000))).Entries.ShouldBeEmpty();
        new FakeDisk().Grub($"if [ {string.Concat(Enumerable.Repeat("! ", 50_000))} a ]; then true; fi").Entries.ShouldBeEmpty();
    }

    [Fact]
    public void EntriesOfTheLoaderSpecificationComeThroughBlscfg()
    {
        var disk = new FakeDisk();
        disk.First["/loader/entries/a.conf"] = "title Fedora\nversion 6.8\nlinux /vmlinuz-6.8\ninitrd /initramfs-6.8 $tuned_initrd\noptions $kernelopts quiet";
        BootEntry entry = disk.Grub("set kernelopts=\"root=/dev/vda2 ro\"\ninsmod blscfg\nblscfg").Entries.Single();
        entry.CommandLine.ShouldBe("root=/dev/vda2 ro quiet");
        entry.Initrds.Single().ToString().ShouldBe("partition 1:/initramfs-6.8");
    }
}
