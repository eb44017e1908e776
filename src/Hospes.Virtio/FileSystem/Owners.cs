using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>
/// Whose files are whose. For a process that is root on the host, the guest's users are the host's. For any other, the process's own user and
/// group are the guest's root, and everybody else is nobody: only what is the process's own can be given, and only to itself.
/// </summary>
/// <param name="User">The process's effective user.</param>
/// <param name="Group">The process's effective group.</param>
internal readonly record struct Owners(uint User, uint Group)
{
    /// <summary>No change (chown(2)), and who has no name in the guest.</summary>
    public const uint Unchanged = uint.MaxValue, Nobody = 65534;

    /// <summary>Whether users are the same on both sides.</summary>
    public bool AreSame => User == 0;

    /// <summary>Owners as the effective user and group of this process has them.</summary>
    public static Owners OfProcess()
    {
        (uint user, uint group) = HostCalls.Identity();
        return new Owners(user, group);
    }

    /// <summary>What the guest sees of a user of the host.</summary>
    public uint ToGuestUser(uint user) => ToGuest(user, User);

    /// <summary>What the guest sees of a group of the host.</summary>
    public uint ToGuestGroup(uint group) => ToGuest(group, Group);

    /// <summary>Finds who a user and a group of the guest are on the host.</summary>
    /// <param name="user">The user, or <see cref="Unchanged"/>.</param>
    /// <param name="group">The group, or <see cref="Unchanged"/>.</param>
    /// <returns>False for one that the process can't give to.</returns>
    public bool TryToHost(ref uint user, ref uint group)
    {
        if (AreSame) return true;
        if (user is not (0 or Unchanged) || group is not (0 or Unchanged)) return false;
        if (user == 0) user = User;
        if (group == 0) group = Group;
        return true;
    }

    private uint ToGuest(uint id, uint own) => AreSame ? id : id == own ? 0 : Nobody;
}
